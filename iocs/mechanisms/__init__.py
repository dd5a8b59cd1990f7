"""What wheels, motors and the shutter share: commands on hardware that takes its time, and interlocks."""
