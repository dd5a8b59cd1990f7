"""What `slitless config check` looks at beyond what the definition's own schema refuses."""

from __future__ import annotations

from slitless.definition import Instrument, Wheel

__all__ = ["doubts", "summary"]


def doubts(instrument: Instrument) -> list[str]:
    """Return what is allowed but looks like a mistake, a line each."""
    found = []
    for name, wheel in (("filter", instrument.wheels.filter), ("grating", instrument.wheels.grating)):
        found += _wheel_doubts(name, wheel)
    if all(slot.lines_per_mm == 0 for slot in instrument.wheels.grating.slots):
        found.append("wheels.grating: no slot has lines_per_mm, so nothing disperses")
    shutter = instrument.shutter
    if shutter.minimum_exposure >= shutter.maximum_exposure:
        found.append(f"shutter: minimum {shutter.minimum_exposure:g} s is not below {shutter.maximum_exposure:g} s")
    if instrument.stage.limits[0] >= instrument.stage.limits[1]:
        found.append(f"stage.limits: {list(instrument.stage.limits)} mm is empty")
    low, high = instrument.telescope.focus_limits
    if not low < instrument.telescope.best_focus < high:
        found.append(f"telescope.best_focus: {instrument.telescope.best_focus:g} mm is outside [{low:g}, {high:g}] mm")
    low, high = instrument.detector.temperature_alarm
    if not low < instrument.detector.set_point < high:
        found.append("detector.set_point: lies outside temperature_alarm, so it would always be in alarm")
    return found


def summary(instrument: Instrument) -> list[tuple[str, str]]:
    """Return what the definition says, in the rows of a table."""
    detector, stage = instrument.detector, instrument.stage
    return [
        ("instrument", f"{instrument.name}: {instrument.description}"),
        ("prefix", instrument.prefix),
        ("filters", ", ".join(instrument.wheels.filter.names)),
        ("gratings", ", ".join(instrument.wheels.grating.names)),
        ("linear stage", f"{stage.limits[0]:g} to {stage.limits[1]:g} mm, in position within {stage.tolerance:g} mm"),
        (
            "detector",
            f"{detector.manufacturer} {detector.model}, {detector.width} x {detector.height} pixel, "
            f"{len(detector.amplifiers)} amplifiers, {detector.readout_time:g} s readout",
        ),
        ("shutter", f"{instrument.shutter.minimum_exposure:g} to {instrument.shutter.maximum_exposure:g} s"),
    ]


def _wheel_doubts(name: str, wheel: Wheel) -> list[str]:
    found = [
        f"wheels.{name}.slots.{slot.name}: central wavelength {slot.wavelength:g} nm is outside its passband"
        for slot in wheel.slots
        if not slot.passband[0] <= slot.wavelength <= slot.passband[1]
    ]
    if wheel.move_time >= wheel.move_timeout:
        found.append(f"wheels.{name}: a move takes {wheel.move_time:g} s, longer than move_timeout allows")
    return found
