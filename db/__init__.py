"""The PV contract in EPICS' own language: record templates, and the substitutions made from the instrument definition.

A genuine EPICS IOC loads these files unchanged (`dbLoadTemplate`), and so do the IOCs in `iocs`. Only records of type
`motor` need the EPICS motor module in a genuine IOC; they stand in templates of their own.
"""
