"""The simulated light path: what falls on the detector for a pointing, a filter, a disperser and a focus."""
