"""EPICS record templates turned into channels: what a PV is, before anything behaves."""
