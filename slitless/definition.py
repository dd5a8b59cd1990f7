"""The instrument definition: one TOML file that holds all that makes an instrument this one.

`load_instrument("latiss")` reads the file that ships with the package; a path reads another.
A value that is missing, misspelt or implausible is refused with its place in the file.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from functools import lru_cache
from importlib.resources import files
from numbers import Integral
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from slitless.errors import InvalidRequest, SlitlessError, require_range

__all__ = [
    "Amplifier",
    "Detector",
    "Instrument",
    "InstrumentDefinitionError",
    "Optics",
    "Shutter",
    "Site",
    "Slot",
    "Stage",
    "Telescope",
    "Wheel",
    "load_instrument",
]


def _rising(bounds: Pair) -> Pair:
    if bounds[0] >= bounds[1]:
        raise ValueError("the first must be below the second")
    return bounds


Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Pair = tuple[float, float]
Range = Annotated[Pair, AfterValidator(_rising)]
"""Low and high."""
EnumString = Annotated[str, Field(min_length=1, max_length=25, pattern=r"^[A-Za-z0-9_.+-]+$")]
"""A name that fits an EPICS enum state: up to 25 characters, no blanks."""


class InstrumentDefinitionError(SlitlessError):
    """The instrument definition cannot be used; the message lists every fault with its place."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Identifiers(_Table):
    """What exposure names are built from."""

    camera_code: str
    controller: str
    raft: str
    sensor: str


class Site(_Table):
    """Where the telescope stands: longitude (deg, east positive), latitude (deg), elevation (m)."""

    facility: str
    telescope: str
    longitude: Annotated[float, Field(ge=-180, le=180)]
    latitude: Annotated[float, Field(ge=-90, le=90)]
    elevation: float


class Telescope(_Table):
    """The telescope: aperture (m), focal length (m), plate scale (arcsec/pixel), focus (mm)."""

    aperture: Positive
    obstruction: Fraction
    focal_length: Positive
    plate_scale: Positive
    slew_rate: Positive
    """deg/s."""
    focus_limits: Range
    """mm, hexapod z."""
    focus_speed: Positive
    """mm/s."""
    best_focus: float
    """mm, where the simulated telescope is sharpest with no filter and no grating."""
    defocus_scale: Positive
    """pixel of blur diameter per mm of defocus."""


class Shutter(_Table):
    """The shutter: blade travel times and exposure bounds, all in s."""

    open_time: NotNegative
    close_time: NotNegative
    minimum_exposure: Positive
    maximum_exposure: Positive

    @model_validator(mode="after")
    def _bounds_rise(self) -> Self:
        if self.minimum_exposure > self.maximum_exposure:
            raise ValueError("minimum_exposure is above maximum_exposure")
        return self


class Slot(_Table):
    """One place in a wheel and the element that sits there."""

    name: EnumString
    band: Annotated[str, Field(min_length=1, max_length=39)]
    wavelength: Positive
    """nm, central."""
    passband: Range
    """nm, where it lets light through."""
    transmission: Fraction
    """Inside the passband."""
    focus_offset: float = 0.0
    """mm."""
    pointing_offset: Pair = (0.0, 0.0)
    """arcsec, x and y."""
    lines_per_mm: NotNegative = 0.0
    """1/mm; 0 for an element that does not disperse."""
    order_efficiency: dict[int, Fraction] = {}
    """Fraction of the light by diffraction order, for a grating."""

    @property
    def is_disperser(self) -> bool:
        """Whether the element spreads light into spectra."""
        return self.lines_per_mm > 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.is_disperser and 1 not in self.order_efficiency:
            raise ValueError(f"{self.name}: a grating needs order_efficiency of order 1")
        return self


class Wheel(_Table):
    """A wheel of filters or gratings; slots count from 0."""

    label: str
    move_time: Positive
    """s, from any slot to any other."""
    home_time: Positive
    """s."""
    move_timeout: Positive
    """s."""
    slots: Annotated[tuple[Slot, ...], Field(min_length=1, max_length=16)]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        twice = [name for name, n in Counter(s.name for s in self.slots).items() if n > 1]
        if twice:
            raise ValueError(f"{self.label}: name used twice: {', '.join(twice)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the elements in slot order."""
        return tuple(slot.name for slot in self.slots)

    def slot_number(self, selection: str | int) -> int:
        """Return the slot (0-based) that a name or a slot number means.

        Raises
        ------
        InvalidRequest
            If there is no such name or slot; the message lists the names.
        """
        last = len(self.slots) - 1
        valid = f"it must be one of {', '.join(self.names)}, or a slot in [0, {last}]"
        if isinstance(selection, str):
            if selection in self.names:
                return self.names.index(selection)
        elif isinstance(selection, Integral) and not isinstance(selection, bool) and 0 <= selection <= last:
            return int(selection)
        raise InvalidRequest(self.label, selection, valid)

    def slot(self, selection: str | int) -> Slot:
        """Return the slot that a name or a slot number means; errors as `slot_number`."""
        return self.slots[self.slot_number(selection)]


class Stage(_Table):
    """The linear stage that carries the disperser; lengths in mm, speed in mm/s."""

    label: str
    limits: Range
    tolerance: Positive
    speed: Positive
    acceleration_time: NotNegative
    """s."""
    home_position: float
    resolution: Positive
    disperser_distance_at_zero: Positive

    def check(self, position: float) -> float:
        """Return `position` (mm) if the stage can go there.

        Raises
        ------
        InvalidRequest
            If it is outside the limits or no finite number.
        """
        return require_range(self.label, position, *self.limits, "mm")

    def disperser_distance(self, position: float) -> float:
        """Distance from disperser to detector, mm, with the stage at `position` mm."""
        return self.disperser_distance_at_zero + position


class Optics(_Table):
    """Throughput and sky of the simulated light path; wavelengths in nm."""

    dispersion_angle: float
    """deg from +x towards +y, where positive orders go."""
    mirror_transmission: Fraction
    seeing: Positive
    """arcsec FWHM at zenith."""
    qe_wavelength: tuple[float, ...]
    qe: tuple[Fraction, ...]
    lamp_photon_rate: NotNegative
    """ADU/s/pixel of the dome lamp through the reference filter, without a disperser."""
    sky_brightness: float
    """mag/arcsec^2."""

    @model_validator(mode="after")
    def _qe_is_a_curve(self) -> Self:
        if len(self.qe) != len(self.qe_wavelength) or list(self.qe_wavelength) != sorted(self.qe_wavelength):
            raise ValueError("qe and qe_wavelength must have the same length, wavelengths rising")
        return self


class Amplifier(_Table):
    """One amplifier: gain (e-/ADU), read noise (e- rms), bias level (ADU), full well (e-)."""

    name: Annotated[str, Field(pattern=r"^Segment[01][0-7]$")]
    gain: Positive
    read_noise: Positive
    bias: Positive
    full_well: Positive


class Detector(_Table):
    """The CCD: geometry in pixel, times in s, temperatures in Celsius."""

    manufacturer: str
    model: str
    serial: str
    name: str
    pixel_size: Positive
    """mm."""
    columns: Annotated[int, Field(gt=0)]
    """Data columns of one amplifier."""
    rows: Annotated[int, Field(gt=0)]
    """Data rows of one amplifier."""
    serial_prescan: Annotated[int, Field(ge=0)]
    serial_overscan: Annotated[int, Field(ge=0)]
    parallel_overscan: Annotated[int, Field(ge=0)]
    adc_bits: Annotated[int, Field(ge=8, le=24)]
    saturation: Positive
    """ADU."""
    dark_current: NotNegative
    """e-/pixel/s at `dark_reference`."""
    dark_reference: float
    dark_doubling: Positive
    """Celsius for a factor of two."""
    set_point: float
    set_point_limits: Range
    temperature_alarm: Range
    dewar_temperature: float
    """Of the cold plate when all is well."""
    dewar_alarm: Range
    prnu: Fraction
    """rms."""
    readout_time: NotNegative
    row_shift_time: NotNegative
    """s a row."""
    flush_time: NotNegative
    """s a cycle."""
    maximum_dark: Positive
    amplifiers: tuple[Amplifier, ...]

    @model_validator(mode="after")
    def _two_rows_of_amplifiers(self) -> Self:
        expected = [f"Segment1{i}" for i in range(8)] + [f"Segment0{i}" for i in reversed(range(8))]
        if [a.name for a in self.amplifiers] != expected:
            raise ValueError(f"amplifiers must be {', '.join(expected)}, in that order")
        return self

    @property
    def raw_columns(self) -> int:
        """Columns one amplifier reads: prescan, data, overscan."""
        return self.serial_prescan + self.columns + self.serial_overscan

    @property
    def raw_rows(self) -> int:
        """Rows one amplifier reads: data, overscan."""
        return self.rows + self.parallel_overscan

    @property
    def width(self) -> int:
        """Pixels across the assembled, trimmed image."""
        return self.columns * 8

    @property
    def height(self) -> int:
        """Pixels along the assembled, trimmed image."""
        return self.rows * 2

    @property
    def frame_bytes(self) -> int:
        """Bytes of the pixels of one full frame, 32 bits each."""
        return 4 * len(self.amplifiers) * self.raw_columns * self.raw_rows


class Wheels(_Table):
    """The two wheels."""

    filter: Wheel
    grating: Wheel


class Instrument(_Table):
    """A whole slitless spectrograph as its definition file describes it."""

    name: Annotated[str, Field(min_length=1)]
    description: str
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+:$")]
    identifiers: Identifiers
    site: Site
    telescope: Telescope
    shutter: Shutter
    wheels: Wheels
    stage: Stage
    optics: Optics
    detector: Detector


def load_instrument(source: str | Path = "latiss") -> Instrument:
    """Read an instrument definition.

    Parameters
    ----------
    source : str or Path
        Name of a definition that ships with the package, or path of a TOML file.

    Raises
    ------
    InstrumentDefinitionError
        If the file is missing, is no TOML, or holds values that cannot be; lists every fault.
    """
    path = _find(str(source))
    return _load(str(source), path, path.stat().st_mtime_ns)


def _find(source: str) -> Path:
    shipped = Path(str(files("slitless.instruments")))
    for path in (shipped / f"{source}.toml", Path(source)):
        if path.is_file():
            return path
    names = ", ".join(sorted(path.stem for path in shipped.glob("*.toml")))
    raise InstrumentDefinitionError(f"instrument definition {source!r}: no such file, and not one of {names}")


@lru_cache(maxsize=8)
def _load(source: str, path: Path, modified: int) -> Instrument:
    """Read a file once for each time it was modified."""
    try:
        return Instrument.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InstrumentDefinitionError(f"{source}: not valid TOML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']} (got {fault['input']!r:.80})"
            for fault in error.errors()
        )
        raise InstrumentDefinitionError(f"{source}: {faults}") from error
