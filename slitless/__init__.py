"""Ground floor: what the instrument is, what an exposure is, and what the detector sees.

Nothing here knows EPICS or Bluesky, and nothing here reads a clock: time is an argument.
"""

from importlib.metadata import version

__version__ = version("slitless")
