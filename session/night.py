"""One night, end to end: IOCs up, every image type taken, log and pictures, IOCs down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from time import monotonic, time
from typing import Any

from session.catalogue_feed import feeding, wait_until_fed
from session.channel_access import ChannelAccess
from session.disk import bytes_needed, free_bytes, require_space, size_text
from session.epoch import epoch_after
from session.interruption import check_interrupted, signals_noted
from session.ioc_state import require_speed
from session.processes import IocFleet
from session.report import FrameLines
from session.run_engine import connect_observing, run_plan
from session.terminal import say
from slitless.definition import Instrument, load_instrument

__all__ = ["DEFAULT_SPEED", "Night", "count_frames", "demo_night", "take_night"]

DEFAULT_SPEED = 20.0  # instrument seconds per second: the demo night in about a minute on two cores


@dataclass(frozen=True)
class Night:
    """What night to take, and where."""

    root: Path
    """Data folder."""
    file: Path
    """The plan calls, for `plans.observe`."""
    definition: str = "latiss"
    speed: float = DEFAULT_SPEED
    seed: int = 0

    def __post_init__(self) -> None:
        require_speed(self.speed)


def demo_night() -> Path:
    """Return the night that ships with Slitless: a frame of every image type."""
    return Path(str(files("session.nights").joinpath("demo.yaml")))


def count_frames(file: Path, instrument: Instrument) -> int:
    """Return how many frames a night file asks for, found by rehearsing it without an instrument.

    Raises
    ------
    SlitlessError
        Listing every fault of the file.
    """
    from devices.fake import fake_spectrograph
    from plans.night_file import load_night

    rehearsed = fake_spectrograph(instrument)
    messages = (message for step in load_night(file, rehearsed) for message in step.start(rehearsed))
    return sum(message.command == "trigger" and message.obj is rehearsed.detector for message in messages)


def take_night(night: Night) -> FrameLines:
    """Take a night, with a line on the terminal for each frame, and have it in the catalogue.

    Whatever ends it, the shutter is closed, open runs are closed truthfully, and no process is left.

    Raises
    ------
    SlitlessError
        If something fails, or disk space is missing.
    Interrupted
        If the observer interrupts it.
    """
    instrument = load_instrument(night.definition)
    root = night.root.absolute()
    _announce(night, instrument, root)
    frames = FrameLines()
    with ExitStack() as stack:
        stack.enter_context(signals_noted())
        stack.enter_context(_instrument_running(night, instrument, root))
        feed = stack.enter_context(feeding(root))
        outcomes = _observe(night, root, frames)
        check_interrupted()
        _say_focus(outcomes)
        say("bringing the catalogue up to date")
        wait_until_fed(root, feed)
    return frames


def _announce(night: Night, instrument: Instrument, root: Path) -> None:
    frames = count_frames(night.file, instrument)
    needed = bytes_needed(instrument.detector, frames, pictures=frames)
    say(f"{night.file.stem} night of {instrument.name}: {frames} frames, time runs {night.speed:g}x")
    say(f"disk: needs {size_text(needed)}, {size_text(free_bytes(root))} free in {root}")
    require_space(root, needed)


@contextmanager
def _instrument_running(night: Night, instrument: Instrument, root: Path) -> Iterator[None]:
    began = monotonic()
    epoch = epoch_after(root, night.speed, time())
    with IocFleet(
        instrument, root, definition=night.definition, speed=night.speed, epoch=epoch, seed=night.seed
    ) as fleet:
        say(f"starting {len(fleet.names)} IOCs: {', '.join(fleet.names)}")
        fleet.start()
        with ChannelAccess() as client:
            fleet.wait_healthy(client)
            fleet.enable(client)
            say(f"all healthy and enabled after {monotonic() - began:.1f} s; other clients reach them with")
            say(f"  EPICS_CA_AUTO_ADDR_LIST=NO EPICS_CA_ADDR_LIST='{fleet.state.address_list}'\n")
            try:
                yield
            finally:
                _confirm_closed(client, f"{fleet.state.prefix}SHUTTER:State_RBV")
    say("IOCs ended")


def _confirm_closed(client: ChannelAccess, pv: str, patience: float = 5.0) -> None:
    """Wait until the shutter says it is closed; an IOC that ends closes it, but the observer should know."""
    deadline = monotonic() + patience
    while (state := client.read([pv], timeout=0.5)[pv]) != "Closed":
        if monotonic() > deadline:
            say(f"shutter: not known to be closed: {pv} is {state or 'not answering'}", style="bold red")
            return
    say("shutter: closed")


def _say_focus(outcomes: Any) -> None:
    for outcome in outcomes:
        focus = outcome.result
        if hasattr(focus, "best"):
            say(f"best focus {focus.best:.3f} +- {focus.error:.3f} mm, stars {focus.width:.2f} pixel wide there")


def _observe(night: Night, root: Path, frames: FrameLines) -> Any:
    session = connect_observing(root, callbacks=(frames,))
    check_interrupted()
    import plans

    return run_plan(session.RE, plans.observe(str(night.file)))
