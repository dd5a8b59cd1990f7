"""The completion contract: when a command to an IOC counts as done.

Put-completion is no proof: client libraries report success for a refused put and for an IOC that
died in the middle of one. A command therefore carries an id, and its status is

- done when the IOC's `CommandResult_RBV` says Done for this id. The IOC writes that PV last, so
  everything the command speaks for has arrived by then;
- failed when `CommandResult_RBV` says Error for this id, with the IOC's reason; when the connection
  is lost; when the heartbeat stops; or at a deadline derived from the request.
"""

from __future__ import annotations

import itertools
import json
import logging
import secrets
import threading
import time
from typing import Any, ClassVar, TypeVar

from ophyd import Component as Cpt
from ophyd import Device, EpicsSignal
from ophyd.status import Status
from ophyd.utils.errors import InvalidState

from devices.signals import PUT_FAILED, Readback, Setting, Text
from slitless.errors import SlitlessError

__all__ = ["GRACE", "Client", "CommandFailed", "CommandPort", "CommandStatus", "Pulse"]

logger = logging.getLogger(__name__)

GRACE = 15.0
"""s of wall time beyond what a command should take, for a busy host and network."""

HEARTBEAT_LIMIT = 10.0
"""s of wall time without a heartbeat (1 Hz) after which an IOC counts as dead."""


class CommandFailed(SlitlessError):
    """A command did not do what it should; the message names the device and carries the IOC's reason."""


class Client:
    """Who sends commands: an id that IOCs compare with the owner of a sequence, and a counter."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(4)
        self._counter = itertools.count(1)

    def next_command_id(self) -> str:
        """Return a command id that no other command has: ``<8 hex client>:<counter>``."""
        return f"{self.id}:{next(self._counter)}"


class Pulse(Device):
    """The heartbeat of an IOC, and how its time runs."""

    heartbeat = Cpt(Readback, "Heartbeat", kind="omitted")
    speed = Cpt(Readback, "Speed", kind="omitted")
    epoch = Cpt(Readback, "Epoch", kind="omitted")

    def __init__(self, prefix: str = "", **kwargs: Any) -> None:
        self._last_beat = time.monotonic()
        super().__init__(prefix, **kwargs)
        self.heartbeat.subscribe(self._beat, run=False)

    def _beat(self, **_: Any) -> None:
        self._last_beat = time.monotonic()

    @property
    def silence(self) -> float:
        """Wall seconds since the last heartbeat arrived."""
        return time.monotonic() - self._last_beat

    def wall_seconds(self, duration: float) -> float:
        """Return the wall seconds that `duration` (s of instrument time) takes at this IOC's speed."""
        try:
            speed = float(self.speed.get())
        except (TypeError, ValueError):
            speed = 1.0
        return duration / speed if speed > 0 else duration


class CommandStatus(Status):
    """The fate of one command.

    Parameters
    ----------
    what : str
        What was asked, for messages: "filter: select SDSSr_65mm".
    command_id : str
        Under which id the IOC reports it.
    pulse : Pulse
        Heartbeat of the IOC.
    allowed : float
        Wall seconds until it must have ended.
    """

    patience: ClassVar[float] = 0.0
    """s of wall time that the IOC itself may wait for hardware before it says that something is wrong."""

    def __init__(self, obj: Device, what: str, command_id: str, pulse: Pulse, allowed: float) -> None:
        self.is_unanswered = False
        """Whether it was given up without a word from the IOC, where it may still run."""
        self.what = what
        self.command_id = command_id
        self.allowed = allowed
        self.pulse = pulse
        self._started = time.monotonic()
        self._deadline: float | None = self._started + allowed
        super().__init__(obj)

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.what!r}, {self.command_id}, done={self.done}, success={self.success})"

    __repr__ = __str__

    def finish(self) -> None:
        """Mark the command done, unless it has ended already."""
        try:
            self.set_finished()
        except InvalidState:
            logger.debug("%s: had ended already", self)

    def fail(self, reason: str) -> None:
        """Mark the command failed, unless it has ended already."""
        try:
            self.set_exception(CommandFailed(f"{self.what}: {reason}"))
        except InvalidState:
            logger.debug("%s: had ended already, now: %s", self, reason)

    def suspend_deadline(self) -> None:
        """Stop the clock of the deadline, while the exposure is held."""
        self._deadline = None

    def restart_deadline(self) -> None:
        """Give the command its whole time again."""
        self._deadline = time.monotonic() + self.allowed

    def check(self) -> None:
        """Fail if the IOC is silent or the deadline has passed."""
        if self.pulse.silence > HEARTBEAT_LIMIT:
            self.is_unanswered = True
            self.fail(f"the IOC is silent: no {self.pulse.prefix}Heartbeat for {self.pulse.silence:.0f} s")
        elif self._deadline is not None and time.monotonic() > self._deadline:
            self.is_unanswered = True
            self.fail(f"no answer from the IOC within {self.allowed:.1f} s")


S = TypeVar("S", bound=CommandStatus)


class _Watch:
    """Looks at all running commands once a second, from one thread that lives while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[CommandStatus] = set()
        self._thread: threading.Thread | None = None

    def add(self, status: CommandStatus) -> None:
        with self._lock:
            self._running.add(status)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="command watch", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        tick = threading.Event()
        while True:
            tick.wait(1.0)
            with self._lock:
                self._running = {status for status in self._running if not status.done}
                if not self._running:
                    self._thread = None
                    return
                running = tuple(self._running)
            for status in running:
                status.check()


_watch = _Watch()


class CommandPort(Device):
    """The records of one command group of an IOC.

    `client` may be replaced; all devices of one spectrograph share one, so that the IOCs know them
    as the owner of a sequence.
    """

    command_id = Cpt(Setting, "CommandId", kind="omitted")
    acknowledged = Cpt(Readback, "CommandAck_RBV", kind="omitted")
    state = Cpt(Readback, "CommandStatus_RBV", string=True, kind="omitted")
    error = Cpt(Text, "CommandError_RBV", kind="omitted")
    result = Cpt(Text, "CommandResult_RBV", kind="omitted")

    def __init__(self, prefix: str = "", **kwargs: Any) -> None:
        self.client = Client()
        self._pending: dict[str, CommandStatus] = {}
        self._lock = threading.Lock()
        super().__init__(prefix, **kwargs)
        self.result.subscribe(self._on_result, run=False)
        self.result.subscribe(self._on_connection, event_type=self.result.SUB_META, run=False)

    def issue(
        self,
        signal: EpicsSignal,
        value: Any,
        what: str,
        pulse: Pulse,
        duration: float,
        make_status: type[S] = CommandStatus,
    ) -> S:
        """Put `value` to `signal` as a command.

        Parameters
        ----------
        what : str
            What is asked, for messages.
        pulse : Pulse
            Heartbeat of the IOC.
        duration : float
            s of instrument time that the command may take.

        make_status : type
            Kind of status to return.

        Returns
        -------
        CommandStatus
            Done or failed by the completion contract; a signal that is not connected is a failure too.
        """
        allowed = GRACE + make_status.patience + (pulse.wall_seconds(duration) if pulse.connected else 0.0)
        status = make_status(self.parent or self, what, self.client.next_command_id(), pulse, allowed)
        # The IOC gives an id to the next command of this circuit: no other thread may come between.
        with self._lock:
            self._pending[status.command_id] = status
            try:
                self.command_id.put(status.command_id)
                signal.put(value)
            except PUT_FAILED as error:
                del self._pending[status.command_id]
                status.fail(str(error))
                return status
        _watch.add(status)
        return status

    @property
    def pending(self) -> tuple[CommandStatus, ...]:
        """Commands that have not ended."""
        with self._lock:
            return tuple(status for status in self._pending.values() if not status.done)

    def give_up(self) -> None:
        """Take all pending commands for ended as wished; who interrupts them will send new ones."""
        for status in self.pending:
            self._forget(status)
            status.finish()

    def _forget(self, status: CommandStatus) -> None:
        with self._lock:
            self._pending.pop(status.command_id, None)

    def _on_result(self, value: Any, **_: Any) -> None:
        try:
            result = json.loads(value) if value else {}
            with self._lock:
                status = self._pending.pop(str(result.get("id")), None)
        except (AttributeError, TypeError, ValueError):
            logger.warning("%s: not a command result: %r", self.prefix, value)
            return
        if status is None:
            return
        if result.get("status") == "Done":
            status.finish()
        else:
            status.fail(result.get("error") or "refused without a reason")

    def _on_connection(self, connected: bool = True, **_: Any) -> None:
        if connected:
            return
        for status in self.pending:
            self._forget(status)
            status.fail(f"the connection to the IOC was lost ({self.prefix}CommandResult_RBV)")
