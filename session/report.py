"""What an observer reads while data are taken: a line a frame as it lands, and how runs ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from session.terminal import say_row

__all__ = ["HEADING", "FrameLines", "frame_line"]

FORMAT = "{id:<20} {type:<9} {exposure:>7} {shutter:>8}  {optics:<34} {mean:>8} {noise:>6}  {file}"
HEADING = FORMAT.format(
    id="exposure",
    type="type",
    exposure="asked s",
    shutter="open s",
    optics="filter + grating, stage mm",
    mean="mean ADU",
    noise="noise",
    file="file",
)


@dataclass(eq=False)  # the RunEngine keeps callbacks by hash
class FrameLines:
    """A callback for the RunEngine: prints each frame, and remembers them for the end of the night."""

    quiet: bool = False
    """Only remember."""
    frames: list[dict[str, Any]] = field(default_factory=list)
    """Event data of all frames, in order."""
    problems: list[str] = field(default_factory=list)
    """Runs that did not end well, and header problems."""
    runs: int = 0
    _primary: dict[str, str] = field(default_factory=dict)
    """Run by descriptor of its primary stream."""
    _plans: dict[str, str] = field(default_factory=dict)
    """Plan name by run."""
    _heading_said: bool = False

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take note of a document."""
        if name == "start":
            self._plans[doc["uid"]] = doc.get("plan_name", "?")
        elif name == "descriptor" and doc.get("name") == "primary":
            self._primary[doc["uid"]] = doc["run_start"]
        elif name == "event" and doc["descriptor"] in self._primary and "detector_obs_id" in doc["data"]:
            self._frame(doc["data"])
        elif name == "stop":
            self._stop(doc)

    @property
    def types(self) -> Counter[str]:
        """How many frames of each image type landed."""
        return Counter(frame["detector_image_type"] for frame in self.frames)

    def _frame(self, data: Mapping[str, Any]) -> None:
        self.frames.append(dict(data))
        self._say(data)
        if data.get("detector_header_problems"):
            self.problems.append(f"{data['detector_obs_id']}: {data['detector_header_problems']}")

    def _say(self, data: Mapping[str, Any]) -> None:
        if self.quiet:
            return
        if not self._heading_said:
            say_row(HEADING, style="bold")
            self._heading_said = True
        say_row(frame_line(data))

    def _stop(self, doc: Mapping[str, Any]) -> None:
        self.runs += 1
        if doc["exit_status"] != "success":
            plan = self._plans.get(doc["run_start"], "?")
            self.problems.append(f"{plan}: {doc['exit_status']} {doc.get('reason', '')}".rstrip())


def frame_line(data: Mapping[str, Any]) -> str:
    """Return the line of a frame from the data of its event."""
    stage = data.get("stage")
    optics = f"{data.get('filter_name') or '?'} + {data.get('grating_name') or '?'}"
    return FORMAT.format(
        id=data["detector_obs_id"],
        type=data["detector_image_type"],
        exposure=f"{data['detector_exposure_time']:.2f}",
        shutter=f"{data['detector_shutter_time']:.3f}",
        optics=optics + (f", {stage:.1f}" if stage is not None else ""),
        mean=f"{data['detector_mean']:.1f}",
        noise=f"{data['detector_noise']:.2f}",
        file=data["detector_file"],
    )
