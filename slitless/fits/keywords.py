"""The keyword table: every keyword of the primary header, where its value comes from, and what it may be.

The set is that of LATISS files of the Rubin Auxiliary Telescope, as far as its values can truly be had here;
what cannot is left out, for a null tells a reader less than an absence. Additions of this system stand last.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from slitless.exposure import ImageType
from slitless.fits.plausibility import Between, DisperserPosition, Matches, OneOf, Plausible

__all__ = ["HEADER_VERSION", "KEYWORDS", "Keyword", "Need", "watched_pvs"]

HEADER_VERSION = 2  # LATISS headers since 2021 say HEADVER 2
Kind = Literal["text", "float", "int", "bool", "time", "mjd"]
Phase = Literal["start", "end", "frame"]


class Need(Enum):
    """For which frames a keyword must be there; true unless it never must."""

    ALWAYS = "every frame"
    LIGHT = "frames that open the shutter"
    SKY = "frames that wait for the telescope"
    NEVER = ""

    def __bool__(self) -> bool:
        return self is not Need.NEVER

    def holds_for(self, image_type: ImageType) -> bool:
        """Whether a frame of this type must have the keyword."""
        if self is Need.LIGHT:
            return image_type.opens_shutter
        if self is Need.SKY:
            return image_type.waits_for_telescope
        return self is Need.ALWAYS


@dataclass(frozen=True)
class Keyword:
    """One keyword of the primary header."""

    name: str
    """As written; with blanks it becomes a HIERARCH card."""
    source: str
    """Where the value comes from: ``pv:`` a PV behind the instrument prefix, ``frame:`` a field of `FrameRecord`,
    ``instrument:`` a dotted path into the definition, ``file:`` what the writing of the file knows, ``value:``
    always this. Of several with ``|`` between, the first that says something counts; a bool is true if any is."""
    kind: Kind
    unit: str
    comment: str
    phase: Phase
    mandatory: Need = Need.NEVER
    valid: Plausible | None = None
    keep_empty: bool = False
    """Whether an empty text is written; otherwise the keyword is left out."""
    unknown: object = None
    """What the source says when it does not know; a NaN means the same everywhere."""

    @property
    def pvs(self) -> tuple[str, ...]:
        """PV suffixes that its value comes from."""
        return tuple(s.removeprefix("pv:") for s in self.source.split("|") if s.startswith("pv:"))


ALWAYS, LIGHT, SKY, NEVER = Need
DAY = Between(946684800.0, 4102444800.0)  # s, 2000 to 2100: clocks that start in 1970 have reached archives
SECONDS = Between(0.0, 86400.0)
DEGREES = Between(0.0, 360.0)
TURN = Between(-360.0, 360.0)
HALF_TURN = Between(-90.0, 90.0)
SLOTS = Between(0, 15)
HALF_DAY = Between(-12.0, 12.0)
AIRMASS = Between(1.0, 40.0)  # 38 at the horizon; Kasten and Young 1989

FILE = (
    Keyword("ORIGIN", "value:slitless", "text", "", "Software that made the file", "frame", ALWAYS),
    Keyword("FILENAME", "frame:file_name|file:file_name", "text", "", "Original name of the file", "frame", ALWAYS),
    Keyword("HEADVER", "file:header_version", "int", "", "Version of the header", "frame", ALWAYS),
    Keyword("DATE", "frame:created_at", "time", "", "File creation, TAI", "frame", ALWAYS, DAY),
    Keyword("MJD", "frame:created_at", "mjd", "d", "File creation, TAI", "frame", ALWAYS, DAY),
)
TIMES = (
    Keyword("TIMESYS", "value:TAI", "text", "", "Time scale of all dates", "frame", ALWAYS),
    Keyword("DATE-OBS", "frame:started_at", "time", "", "Start of integration, TAI", "frame", ALWAYS, DAY),
    Keyword("MJD-OBS", "frame:started_at", "mjd", "d", "Start of integration, TAI", "frame", ALWAYS, DAY),
    Keyword("DATE-BEG", "frame:started_at", "time", "", "Start of integration, TAI", "frame", ALWAYS, DAY),
    Keyword("MJD-BEG", "frame:started_at", "mjd", "d", "Start of integration, TAI", "frame", ALWAYS, DAY),
    Keyword("DATE-END", "frame:ended_at", "time", "", "End of integration, TAI", "frame", ALWAYS, DAY),
    Keyword("MJD-END", "frame:ended_at", "mjd", "d", "End of integration, TAI", "frame", ALWAYS, DAY),
    Keyword("DATE-TRG", "frame:read_out_at", "time", "", "Start of readout, TAI", "frame", NEVER, DAY),
    Keyword("MJD-TRG", "frame:read_out_at", "mjd", "d", "Start of readout, TAI", "frame", NEVER, DAY),
)
IDENTIFIERS = (
    Keyword("OBSID", "frame:name.obs_id", "text", "", "Name of the exposure", "frame", ALWAYS),
    Keyword("GROUPID", "frame:group_id", "text", "", "Group of exposures", "frame", ALWAYS),
    Keyword("CAMCODE", "frame:name.camera_code", "text", "", "Camera code", "frame", ALWAYS),
    Keyword("CONTRLLR", "frame:name.controller", "text", "", "Controller code", "frame", ALWAYS),
    Keyword(
        "DAYOBS",
        "frame:day_obs_text",
        "text",
        "",
        "Day of observation, UTC-12 h",
        "frame",
        ALWAYS,
        Matches(r"\d{8}", "YYYYMMDD"),
    ),
    Keyword(
        "SEQNUM", "frame:name.seq_num", "int", "", "Sequence number in the day", "frame", ALWAYS, Between(1, 99_999)
    ),
    Keyword("CURINDEX", "frame:snap_index", "int", "", "Snap, from 1", "frame", ALWAYS, Between(1, 9999)),
    Keyword("MAXINDEX", "frame:snap_count", "int", "", "Number of snaps", "frame", ALWAYS, Between(1, 9999)),
)
PURPOSE = (
    Keyword("IMGTYPE", "frame:image_type", "text", "", "Image type", "frame", ALWAYS),
    Keyword("TESTTYPE", "frame:test_type_or_default", "text", "", "Test type", "frame", ALWAYS),
    Keyword("PROGRAM", "frame:program", "text", "", "Observing program", "frame"),
    Keyword("REASON", "frame:reason", "text", "", "Reason of the exposure", "frame"),
    Keyword("OBSANNOT", "frame:note", "text", "", "Note of the observer", "frame", keep_empty=True),
    Keyword("OBJECT", "frame:object_name|pv:TEL:Target", "text", "", "What was observed", "start", keep_empty=True),
    Keyword("OBSERVER", "frame:observer|pv:TEL:Observer", "text", "", "Who observed", "start"),
)
EXPOSURE = (
    Keyword("COADDS", "frame:exposures", "int", "", "Exposures added up on the CCD", "frame", ALWAYS, Between(1, 1000)),
    Keyword("EXPTIME", "frame:exposure_time", "float", "s", "Exposure time as asked", "frame", ALWAYS, SECONDS),
    Keyword("SHUTTIME", "frame:shutter_time", "float", "s", "Shutter open, measured", "frame", ALWAYS, SECONDS),
    Keyword("DARKTIME", "frame:dark_time", "float", "s", "From flush to readout", "frame", ALWAYS, SECONDS),
    Keyword("BUNIT", "value:adu", "text", "", "Unit of the pixels", "frame", ALWAYS),
)
SITE = (
    Keyword("FACILITY", "instrument:site.facility", "text", "", "Observatory", "frame", ALWAYS),
    Keyword("TELESCOP", "instrument:site.telescope", "text", "", "Telescope", "frame", ALWAYS),
    Keyword("INSTRUME", "instrument:name", "text", "", "Instrument", "frame", ALWAYS),
    Keyword("OBS-LONG", "instrument:site.longitude", "float", "deg", "Longitude, east positive", "frame", ALWAYS),
    Keyword("OBS-LAT", "instrument:site.latitude", "float", "deg", "Latitude, north positive", "frame", ALWAYS),
    Keyword("OBS-ELEV", "instrument:site.elevation", "float", "m", "Elevation", "frame", ALWAYS),
    Keyword("OBSGEO-X", "file:site_x", "float", "m", "Geocentric x, ITRS", "frame", ALWAYS),
    Keyword("OBSGEO-Y", "file:site_y", "float", "m", "Geocentric y, ITRS", "frame", ALWAYS),
    Keyword("OBSGEO-Z", "file:site_z", "float", "m", "Geocentric z, ITRS", "frame", ALWAYS),
    Keyword("OBSGEO-B", "file:site_b", "float", "deg", "Latitude on the IAU 1976 ellipsoid", "frame"),
    Keyword("OBSGEO-L", "file:site_l", "float", "deg", "Longitude, east positive", "frame"),
    Keyword("OBSGEO-H", "file:site_h", "float", "m", "Height above the IAU 1976 ellipsoid", "frame"),
)
OPTICS = (
    Keyword("FILTER", "pv:FILTER:Name_RBV", "text", "", "Filter", "start", LIGHT, OneOf("wheels.filter.names")),
    Keyword("FILTBAND", "pv:FILTER:Band_RBV", "text", "", "Band of the filter", "start", LIGHT),
    Keyword(
        "FILTSLOT", "pv:FILTER:Slot_RBV", "int", "", "Slot of the filter, from 0", "start", LIGHT, SLOTS, unknown=-1
    ),
    Keyword("GRATING", "pv:GRATING:Name_RBV", "text", "", "Disperser", "start", LIGHT, OneOf("wheels.grating.names")),
    Keyword("GRATBAND", "pv:GRATING:Band_RBV", "text", "", "Band of the disperser", "start", LIGHT),
    Keyword(
        "GRATSLOT", "pv:GRATING:Slot_RBV", "int", "", "Slot of the disperser, from 0", "start", LIGHT, SLOTS, unknown=-1
    ),
    Keyword("LINSPOS", "pv:STAGE:m1.RBV", "float", "mm", "Linear stage", "start", LIGHT, DisperserPosition()),
    Keyword("FOCUSZ", "pv:TEL:focus.RBV", "float", "mm", "Focus, hexapod z", "start", SKY, Between(-100, 100)),
)
POINTING = (
    Keyword("RA", "pv:TEL:RightAscension", "float", "deg", "Right ascension asked", "start", NEVER, DEGREES),
    Keyword("DEC", "pv:TEL:Declination", "float", "deg", "Declination asked", "start", NEVER, HALF_TURN),
    Keyword("RASTART", "pv:TEL:RightAscension_RBV", "float", "deg", "Right ascension at start", "start", SKY, DEGREES),
    Keyword("DECSTART", "pv:TEL:Declination_RBV", "float", "deg", "Declination at start", "start", SKY, HALF_TURN),
    Keyword("RAEND", "pv:TEL:RightAscension_RBV", "float", "deg", "Right ascension at end", "end", SKY, DEGREES),
    Keyword("DECEND", "pv:TEL:Declination_RBV", "float", "deg", "Declination at end", "end", SKY, HALF_TURN),
    Keyword("RADESYS", "value:ICRS", "text", "", "Frame of RA and DEC", "frame", ALWAYS),
    Keyword("ROTPA", "pv:TEL:Rotator_RBV", "float", "deg", "Position angle of the rotator", "start", SKY, TURN),
    Keyword("ROTCOORD", "value:sky", "text", "", "Frame of ROTPA", "frame", ALWAYS),
    Keyword("HASTART", "pv:TEL:HourAngle_RBV", "float", "h", "Hour angle at start", "start", SKY, HALF_DAY),
    Keyword("HAEND", "pv:TEL:HourAngle_RBV", "float", "h", "Hour angle at end", "end", SKY, HALF_DAY),
    Keyword("ELSTART", "pv:TEL:Elevation_RBV", "float", "deg", "Elevation at start", "start", SKY, HALF_TURN),
    Keyword("ELEND", "pv:TEL:Elevation_RBV", "float", "deg", "Elevation at end", "end", SKY, HALF_TURN),
    Keyword("AZSTART", "pv:TEL:Azimuth_RBV", "float", "deg", "Azimuth at start", "start", SKY, TURN),
    Keyword("AZEND", "pv:TEL:Azimuth_RBV", "float", "deg", "Azimuth at end", "end", SKY, TURN),
    Keyword("AMSTART", "pv:TEL:Airmass_RBV", "float", "", "Airmass at start", "start", SKY, AIRMASS),
    Keyword("AMEND", "pv:TEL:Airmass_RBV", "float", "", "Airmass at end", "end", SKY, AIRMASS),
    Keyword("DOMEAZ", "pv:TEL:DomeAzimuth_RBV", "float", "deg", "Azimuth of the dome", "start", NEVER, TURN),
)
WEATHER = (
    Keyword(
        "AIRTEMP", "pv:TEL:AirTemperature_RBV", "float", "Celsius", "Air temperature", "start", NEVER, Between(-40, 50)
    ),
    Keyword("PRESSURE", "pv:TEL:Pressure_RBV", "float", "Pa", "Air pressure", "start", NEVER, Between(4e4, 1.1e5)),
    Keyword("HUMIDITY", "pv:TEL:Humidity_RBV", "float", "%", "Relative humidity", "start", NEVER, Between(0, 100)),
    Keyword("WINDSPD", "pv:TEL:WindSpeed_RBV", "float", "m/s", "Wind speed", "start", NEVER, Between(0, 100)),
    Keyword("WINDDIR", "pv:TEL:WindDirection_RBV", "float", "deg", "Wind direction", "start", NEVER, DEGREES),
    Keyword("SEEING", "pv:TEL:Seeing_RBV", "float", "arcsec", "Seeing, FWHM", "start", NEVER, Between(0, 30)),
)
SENSOR = (
    Keyword("CCD_MANU", "instrument:detector.manufacturer", "text", "", "Maker of the CCD", "frame", ALWAYS),
    Keyword("CCD_TYPE", "instrument:detector.model", "text", "", "Type of the CCD", "frame", ALWAYS),
    Keyword("CCD_SERN", "instrument:detector.serial", "text", "", "Serial number of the CCD", "frame", ALWAYS),
    Keyword("LSST_NUM", "instrument:detector.name", "text", "", "Name of the CCD", "frame", ALWAYS),
    Keyword("RAFTBAY", "instrument:identifiers.raft", "text", "", "Raft bay", "frame", ALWAYS),
    Keyword("CCDSLOT", "instrument:identifiers.sensor", "text", "", "Slot of the CCD", "frame", ALWAYS),
    Keyword(
        "TEMP_SET", "frame:set_point", "float", "Celsius", "Set point of the CCD", "frame", ALWAYS, Between(-150, 50)
    ),
    Keyword(
        "CCDTEMP", "frame:temperature", "float", "Celsius", "Temperature of the CCD", "frame", ALWAYS, Between(-200, 60)
    ),
    Keyword("BINX", "frame:window.column_binning", "int", "pixel", "Column binning", "frame", ALWAYS, Between(1, 64)),
    Keyword("BINY", "frame:window.row_binning", "int", "pixel", "Row binning", "frame", ALWAYS, Between(1, 64)),
    Keyword("DETSIZE", "file:detector_size", "text", "", "Imaging pixels of the detector", "frame", ALWAYS),
    Keyword("PREH", "file:serial_underscan", "int", "pixel", "Serial prescan", "frame", ALWAYS),
    Keyword("OVERH", "file:serial_overscan", "int", "pixel", "Serial overscan", "frame", ALWAYS),
    Keyword("OVERV", "file:parallel_overscan", "int", "pixel", "Parallel overscan", "frame", ALWAYS),
)
FLAGS = (
    Keyword("STUTTER ROWS", "frame:stutter_rows", "int", "pixel", "Rows between slices", "frame", ALWAYS),
    Keyword("STUTTER DELAY", "frame:stutter_delay", "float", "s", "Exposure of a slice", "frame", ALWAYS, SECONDS),
    Keyword("STUTTER NSHIFTS", "frame:stutter_shifts", "int", "", "Number of slices", "frame", ALWAYS),
    Keyword("SIMULATE ATCAMERA", "frame:simulated", "bool", "", "Simulated camera", "frame", ALWAYS),
    Keyword("SIMULATE ATSHUTTER", "pv:SHUTTER:IOC:SimulationMode", "bool", "", "Simulated shutter", "start"),
    Keyword(
        "SIMULATE ATSPECTROGRAPH",
        "pv:FILTER:IOC:SimulationMode|pv:GRATING:IOC:SimulationMode|pv:STAGE:IOC:SimulationMode",
        "bool",
        "",
        "Simulated optics",
        "start",
    ),
    Keyword("SIMULATE ATMCS", "pv:TEL:IOC:SimulationMode", "bool", "", "Simulated mount", "start"),
    Keyword("SIMULATE ATHEXAPOD", "pv:TEL:IOC:SimulationMode", "bool", "", "Simulated hexapod", "start"),
    Keyword("SIMULATE ATDOME", "pv:TEL:IOC:SimulationMode", "bool", "", "Simulated dome", "start"),
)
ADDITIONS = (
    Keyword("SWVERS", "frame:software_version", "text", "", "Version of the control software", "frame", ALWAYS),
    Keyword("SEQOWNER", "frame:sequence_owner", "text", "", "Who held the sequence", "frame"),
    Keyword("FILTWAVE", "pv:FILTER:Wavelength_RBV", "float", "nm", "Central wavelength of FILTER", "start"),
    Keyword("LINESMM", "pv:GRATING:LinesPerMm_RBV", "float", "1/mm", "Lines of the disperser", "start"),
    Keyword("DISPDIST", "pv:STAGE:DisperserDistance_RBV", "float", "mm", "Disperser to detector", "start"),
    Keyword("PARANG", "pv:TEL:ParallacticAngle_RBV", "float", "deg", "Parallactic angle", "start", NEVER, TURN),
    Keyword("FOCUS START", "frame:focus_start", "float", "mm", "First focus", "frame"),
    Keyword("FOCUS STEP", "frame:focus_step", "float", "mm", "Focus step", "frame"),
    Keyword("FOCUS SHIFT", "frame:focus_shift", "int", "pixel", "Rows between sub-images", "frame"),
    Keyword("FOCUS STEPS", "frame:focus_steps", "int", "", "Number of sub-images", "frame"),
    Keyword("HDRPROB", "file:problem_count", "int", "", "Values missing or implausible", "frame", ALWAYS),
)

KEYWORDS: tuple[Keyword, ...] = (
    *FILE, *TIMES, *IDENTIFIERS, *PURPOSE, *EXPOSURE, *SITE, *OPTICS, *POINTING, *WEATHER, *SENSOR, *FLAGS, *ADDITIONS,
)  # fmt: skip
"""The table, in the order of the header."""


def watched_pvs() -> tuple[str, ...]:
    """Return the PV suffixes (behind the instrument prefix) that headers are made from, each once."""
    return tuple(dict.fromkeys(pv for keyword in KEYWORDS for pv in keyword.pvs))
