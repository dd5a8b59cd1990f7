"""The RunEngine as a night needs it: documents on disk first, metadata checked, Ctrl-C aborts."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from session.interruption import SIGNALS, Interrupted, note_signal
from session.ioc_state import IocState
from session.progress import ProgressBars
from slitless.errors import SlitlessError

if TYPE_CHECKING:
    from bluesky import RunEngine

    from devices import Spectrograph

__all__ = ["AbortOnSignal", "Observing", "OnSignal", "abort_plan", "connect_observing", "make_run_engine", "run_plan"]

CONNECTING = 40.0  # s; all heartbeats have answered by then, so only a very busy machine needs so long


class OnSignal(Enum):
    """What Ctrl-C does to a plan that runs."""

    ABORT = "abort"
    """As commands need it; SIGTERM and a closed terminal do the same."""
    PAUSE = "pause"
    """As Bluesky has it at a prompt."""
    NOTHING = "nothing"
    """Where plans run outside the main thread, and whoever asked for them deals with signals."""


class AbortOnSignal:
    """Context manager of a RunEngine: Ctrl-C, SIGTERM or a closed terminal abort the plan, once.

    A second signal interrupts the clean-up itself; then whoever called the RunEngine must see to it
    that the shutter is closed.
    """

    def __init__(self, run_engine: RunEngine) -> None:
        self._run_engine = run_engine
        self._asked = False
        self._over = Event()
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> AbortOnSignal:
        self._previous = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: object) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        if self._previous[number] is note_signal:
            note_signal(number, frame)  # for what comes after the plan
        # the main thread waits inside the RunEngine and cannot abort it from here
        Thread(target=self._abort, args=[signal.Signals(number).name], daemon=True).start()

    def _abort(self, name: str) -> None:
        abort_plan(self._run_engine, f"interrupted by the observer ({name})", self._over)


def abort_plan(run_engine: RunEngine, reason: str, over: Event) -> None:
    """Abort the plan that runs in another thread; one that is just beginning or ending, again and again until `over`.

    Parameters
    ----------
    reason : str
        For the stop document.
    over : threading.Event
        Set when the plan has ended.
    """
    from bluesky.utils import TransitionError  # pyright: ignore[reportPrivateImportUsage]

    while not over.is_set():
        try:
            run_engine.abort(reason=reason)
            return
        except TransitionError:  # the plan is about to begin, or has just ended
            over.wait(0.02)


def make_run_engine(root: Path, *, on_signal: OnSignal = OnSignal.ABORT) -> RunEngine:
    """Return a RunEngine whose documents are in the journal of `root` before anything else sees them.

    Parameters
    ----------
    root : Path
        Data folder.
    on_signal : OnSignal
        What Ctrl-C does to a plan.
    """
    from bluesky import RunEngine

    from capture.journal import Journal
    from slitless.metadata import validate_metadata

    managers = {OnSignal.ABORT: [AbortOnSignal], OnSignal.PAUSE: None, OnSignal.NOTHING: []}[on_signal]
    run_engine = RunEngine(md_validator=validate_metadata, context_managers=managers, call_returns_result=True)
    run_engine.record_interruptions = True
    run_engine.waiting_hook = ProgressBars()  # pyright: ignore[reportAttributeAccessIssue]  it is declared as None
    run_engine.subscribe(Journal(root))
    return run_engine


def run_plan(run_engine: RunEngine, plan: Any) -> Any:
    """Run a plan to its end and return what it returns.

    Raises
    ------
    Interrupted
        If it was interrupted.
    SlitlessError
        If it failed; the message is the innermost reason.
    """
    from bluesky.utils import FailedStatus, RunEngineInterrupted

    try:
        result = run_engine(plan)
    except RunEngineInterrupted as error:
        raise Interrupted("aborted by the observer; the run is closed as aborted") from error
    except FailedStatus as error:
        raise SlitlessError(str(error.__cause__ or error)) from error
    finally:
        run_engine.waiting_hook(None)  # pyright: ignore[reportOptionalCall]
    return result.plan_result  # pyright: ignore[reportAttributeAccessIssue]  call_returns_result is set


@dataclass(frozen=True)
class Observing:
    """All one needs to take frames."""

    RE: RunEngine
    spectrograph: Spectrograph
    root: Path
    state: IocState


def connect_observing(
    root: Path,
    *,
    callbacks: tuple[Callable[[str, Any], Any], ...] = (),
    on_signal: OnSignal = OnSignal.ABORT,
) -> Observing:
    """Connect to the IOCs that run over a data folder, as the instrument they are, and have a RunEngine ready.

    Raises
    ------
    SlitlessError
        If no IOC runs over the folder, or one does not answer.
    """
    from session.channel_access import use_addresses
    from session.heartbeat import require_heartbeats
    from slitless.definition import load_instrument

    root = root.absolute()
    state = IocState.running(root)
    use_addresses(state.address_list)  # before ophyd is imported, which looks at it then
    require_heartbeats(state, root)
    import plans
    from devices import connect

    spectrograph = connect(state.prefix, load_instrument(state.definition), timeout=CONNECTING)
    plans.use(spectrograph)
    run_engine = make_run_engine(root, on_signal=on_signal)
    for callback in callbacks:
        run_engine.subscribe(callback)
    return Observing(run_engine, spectrograph, root, state)
