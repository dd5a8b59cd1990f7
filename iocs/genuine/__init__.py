"""The same records in a genuine EPICS IOC: as a stand-in for screens, and as the judge of ours. Needs epicscorelibs."""
