"""What the observer says: plans for every image type, set-up, focus, whole nights.

``plans.use(devices.connect())`` once, then ``RE(take_flats(2.0, 3, filter="SDSSr_65mm"))``.
"""

from plans.exposing import ObserverWarning
from plans.in_use import use
from plans.setup import setup_instrument
from plans.take import (
    take_acq,
    take_bias,
    take_cwfs,
    take_darks,
    take_engtest,
    take_flats,
    take_focus,
    take_imgtype,
    take_object,
    take_stuttered,
)

__all__ = [
    "ObserverWarning",
    "setup_instrument",
    "take_acq",
    "take_bias",
    "take_cwfs",
    "take_darks",
    "take_engtest",
    "take_flats",
    "take_focus",
    "take_imgtype",
    "take_object",
    "take_stuttered",
    "use",
]
