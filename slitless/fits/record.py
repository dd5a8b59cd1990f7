"""What an exposure knows about itself by the time its frame is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from slitless.detector.geometry import Window
from slitless.exposure import ImageType
from slitless.fits.header_file import OwnCard
from slitless.identifiers import ExposureName

__all__ = ["FrameRecord"]


@dataclass(kw_only=True)
class FrameRecord:
    """One exposure in its own words; the keyword table turns it into a header.

    Times are TAI unix s; `None` means not known, and the header will say so where it matters.
    """

    name: ExposureName
    image_type: ImageType
    window: Window
    exposure_time: float
    """s, as asked."""
    shutter_time: float | None = None
    """s, measured by the shutter; 0 for a frame that keeps it closed."""
    dark_time: float | None = None
    """s, from the end of the flush to the start of the readout."""
    flushed_at: float | None = None
    """End of the last flush."""
    started_at: float | None = None
    """Start of the integration."""
    ended_at: float | None = None
    """End of the integration."""
    read_out_at: float | None = None
    """Start of the readout."""
    created_at: float | None = None
    """When the file was made."""

    file_name: str = ""
    """Name of the file, without folders; empty means the usual one."""
    group_id: str = ""
    test_type: str = ""
    """Empty means the same as the image type."""
    reason: str = ""
    program: str = ""
    note: str = ""
    object_name: str = ""
    observer: str = ""

    snap_index: int = 1
    """From 1."""
    snap_count: int = 1
    exposures: int = 1
    """Exposures that the CCD added up before it was read."""
    stutter_rows: int = 0
    """Rows between slices; 0 for a frame that is not stuttered."""
    stutter_shifts: int = 0
    """Slices."""
    stutter_delay: float = 0.0
    """s, exposure of one slice."""
    focus_start: float | None = None
    """mm; the four focus fields belong to focus frames."""
    focus_step: float | None = None
    """mm."""
    focus_shift: int | None = None
    """Rows between sub-images."""
    focus_steps: int | None = None

    temperature: float | None = None
    """Celsius, measured."""
    set_point: float | None = None
    """Celsius."""
    simulated: bool = field(default=False)
    """Whether the detector is a simulation."""
    software_version: str = ""
    sequence_owner: str = ""
    """Who held the sequence claim, empty if nobody."""

    own_cards: tuple[OwnCard, ...] = ()
    """Keywords of the observer's own."""

    @property
    def test_type_or_default(self) -> str:
        """Test type; the image type where none was given, as LATISS has it."""
        return self.test_type or str(self.image_type)

    @property
    def day_obs_text(self) -> str:
        """Day of observation as LATISS headers have it: text."""
        return str(self.name.day_obs)
