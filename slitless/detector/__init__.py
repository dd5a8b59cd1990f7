"""The detector: geometry, charge, readout electronics and statistics."""
