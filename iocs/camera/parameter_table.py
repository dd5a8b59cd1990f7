"""AzCam's parameters by their names: which record of the detector's IOC holds each, or why none does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["NO_MEANING", "PARAMETERS", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """A parameter that a record holds."""

    record: str
    """Name behind the prefix of the detector's IOC."""
    is_settable: bool = False
    element: int | None = None
    """Place in a record that takes several numbers, -1 for those to keep; all show in its ``_RBV``."""
    is_number: bool = False
    """Whether a state is given by its number rather than by its name."""
    is_truth: bool = False
    """Whether it is 1 when the record holds anything but 0, the first state or the empty text."""


def _set(record: str, **how: object) -> Parameter:
    return Parameter(record, True, **how)  # type: ignore[arg-type]


PARAMETERS: Mapping[str, Parameter] = {
    "imagetype": _set("cam1:ImageType"),
    "imagetitle": _set("cam1:ImageTitle"),
    "exposuretime": _set("cam1:AcquireTime"),
    "exposureflag": Parameter("cam1:ExposureFlag_RBV", is_number=True),
    "exposuretimeremaining": Parameter("cam1:TimeRemaining_RBV"),
    "pixelsremaining": Parameter("cam1:NumPixelsRemaining_RBV"),
    "flusharray": _set("cam1:FlushCycles"),
    "exposuresequencetotal": _set("cam1:SequenceNumber"),
    "exposuresequenceflush": _set("cam1:SequenceFlush", is_number=True),
    "exposuresequencedelay": _set("cam1:SequenceDelay"),
    "exposuresequencenumber": Parameter("cam1:SequenceCount_RBV"),
    "isexposuresequence": Parameter("cam1:SequenceTotal_RBV", is_truth=True),
    "imagetest": Parameter("cam1:ImageTest_RBV", is_truth=True),
    "imageheaderfile": _set("cam1:HeaderFile"),
    "imagefolder": _set("FITS1:FilePath"),
    "imageroot": _set("FITS1:FileName"),
    "imagesequencenumber": _set("FITS1:FileNumber"),
    "imageautoincrementsequencenumber": _set("FITS1:AutoIncrement", is_number=True),
    "lastfilename": Parameter("FITS1:FullFileName_RBV"),
    "displayimage": _set("image1:EnableCallbacks", is_number=True),
    "imagesizex": Parameter("cam1:ArraySizeX_RBV"),
    "imagesizey": Parameter("cam1:ArraySizeY_RBV"),
    "colbin": _set("cam1:BinX"),
    "rowbin": _set("cam1:BinY"),
    "firstcol": _set("cam1:ROI", element=0),
    "lastcol": _set("cam1:ROI", element=1),
    "firstrow": _set("cam1:ROI", element=2),
    "lastrow": _set("cam1:ROI", element=3),
    "controltemperature": _set("cam1:Temperature"),
    "camtemp": Parameter("cam1:TemperatureActual"),
    "dewtemp": Parameter("cam1:DewarTemperature_RBV"),
    "temperatures": Parameter("cam1:Temperatures_RBV"),
    "version": Parameter("IOC:SoftwareVersion"),
    "systemname": Parameter("cam1:Model_RBV"),
}
"""Lower-case name to what holds it."""

_GUIDER = "there is no guider"
_BOARD = "the camera has no such board"
_FILE = "files are always MEF, named after their exposure id, and never overwritten"
_SCRIPT = "it belongs to AzCam's own process"
NO_MEANING: Mapping[str, str] = {
    "autotitle": "a title holds for one Acquire and is never made up",
    "exposureupdatingheader": "header values are monitored all the time",
    "exposurecompleted": "FrameState_RBV says how each exposure ended",
    "savefile": "every frame is saved; FITS1:AutoSave gives further names",
    "sendimage": "images are PVs (image1:) and documents",
    "tdidelay": "there is no drift scan",
    "tdimode": "there is no drift scan",
    "pardelay": "row times belong to the instrument definition",
    "exposureguidemode": _GUIDER,
    "exposureguidestatus": _GUIDER,
    "imagefiletype": _FILE,
    "imageincludesequencenumber": _FILE,
    "imageautoname": _FILE,
    "imageoverwrite": _FILE,
    "imagefilename": _FILE,
    "numpiximage": "NumPixelsRemaining_RBV counts them down",
    "instrumentenabled": "IOC:SummaryState of each device says it",
    "instrumentfocus": "the focus is the motor record TEL:focus",
    "telescopeenabled": "TEL:IOC:SummaryState says it",
    "telescopefocus": "the focus is the motor record TEL:focus",
    "utilityboardinstalled": _BOARD,
    "pciboardinstalled": _BOARD,
    "timingboardinstalled": _BOARD,
    "videogain": "gains belong to the instrument definition",
    "videospeed": "there is one readout speed",
    "usereadlock": _BOARD,
    "pcifile": _BOARD,
    "timingfile": _BOARD,
    "utilityfile": _BOARD,
    "timingboard": _BOARD,
    "videoboards": _BOARD,
    "clockboards": _BOARD,
    "abortflag": "ExposureFlag_RBV says ABORT",
    "verbosity": _SCRIPT,
    "hostname": _SCRIPT,
    "wd": _SCRIPT,
    "logdata": _SCRIPT,
    "logcommands": _SCRIPT,
}
"""Names that AzCam has and that mean nothing here, and why."""
