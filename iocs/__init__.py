"""Process variables: one file per IOC, each a table of EPICS records over one driver.

`python -m iocs.shutter` runs one. Records come from the templates in `db`; behaviour binds to them by name.
"""
