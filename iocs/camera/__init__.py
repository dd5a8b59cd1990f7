"""The parts of the detector IOC, each with one concern; `iocs.detector` puts them together."""
