"""What becomes of documents: journal, catalogue, night log, recovery.

The journal (`capture.journal`) is the record. Everything else here is derived from it and can be
made again: the catalogue is fed by a process of its own (`python -m capture.ingest`), so nothing
slow or fragile stands in the way of an exposure. Knows the event model and FITS, no devices.
"""
