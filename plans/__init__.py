"""What the observer says: plans for every image type, set-up, focus, whole nights.

``plans.use(devices.connect())`` once, then ``RE(take_flats(2.0, 3, filter="SDSSr_65mm"))``.
"""

from plans.exposing import ObserverWarning
from plans.flat_fields import take_cbp, take_dflat, take_flats, take_indome, take_sflat
from plans.focus import FocusResult, focus_frame, focus_sweep
from plans.focus_offset import offset_focus
from plans.header import load_header_file
from plans.in_use import next_group_id, use
from plans.lamp import switch_lamp
from plans.night_file import NightFileError
from plans.observe import observe
from plans.pointing import point
from plans.readout import set_format, set_roi
from plans.sequence import take_sequence, take_test
from plans.setup import setup_instrument
from plans.take import (
    take_acq,
    take_bias,
    take_cwfs,
    take_darks,
    take_engtest,
    take_focus,
    take_imgtype,
    take_object,
    take_stuttered,
)

__all__ = [
    "FocusResult",
    "NightFileError",
    "ObserverWarning",
    "focus_frame",
    "focus_sweep",
    "load_header_file",
    "next_group_id",
    "observe",
    "offset_focus",
    "point",
    "set_format",
    "set_roi",
    "setup_instrument",
    "switch_lamp",
    "take_acq",
    "take_bias",
    "take_cbp",
    "take_cwfs",
    "take_darks",
    "take_dflat",
    "take_engtest",
    "take_flats",
    "take_focus",
    "take_imgtype",
    "take_indome",
    "take_object",
    "take_sequence",
    "take_sflat",
    "take_stuttered",
    "take_test",
    "use",
]
