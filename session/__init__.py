"""Top floor: RunEngine, devices, plans and capture put together, and the `slitless` command.

Modules here import Bluesky, Tiled and matplotlib where they use them, so that `slitless --help` is quick.
"""
