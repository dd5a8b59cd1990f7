"""A simulated CCD camera: charge under a clocked detector, read out into honest raw frames.

Times are arithmetic on instrument time. Pixels are made on a thread of their own, in the order the
hardware would have acted, so that the caller's event loop never waits for them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.camera import CameraIdentity, ReadoutFailed, ReadoutResult
from drivers.simulated.failing import LINK_LOST, NO_FAULT, Failing
from slitless.definition import Instrument
from slitless.detector.charge import Charge
from slitless.detector.geometry import Window, readout_layout
from slitless.detector.readout import read_out
from slitless.detector.warm_up import warm_up
from slitless.instrument_time import InstrumentClock
from slitless.optics.beam import Beam
from slitless.optics.light import electron_rate

__all__ = ["CAMERA_FAULTS", "SimulatedCamera"]

READOUT_TIMEOUT = "ReadoutTimeout"
NO_PIXELS = "NoPixels"
CAMERA_FAULTS = (NO_FAULT, READOUT_TIMEOUT, NO_PIXELS, LINK_LOST)
COOLING_TIME = 120.0  # s, time constant of the simulated cold head; an estimate
PROGRESS_PERIOD = 0.05  # wall s between reports of pixels still to come


class SimulatedCamera(Failing):
    """A camera on a simulated CCD.

    With the fault ``ReadoutTimeout`` a readout never ends, with ``NoPixels`` it delivers none, with
    ``LinkLost`` the camera does not answer.

    Parameters
    ----------
    instrument : Instrument
        The detector, and the optics in front of it.
    clock : InstrumentClock
        Instrument time.
    seed : int
        What the fixed pattern and the noise of every frame grow from.
    """

    def __init__(self, instrument: Instrument, clock: InstrumentClock, seed: int) -> None:
        super().__init__("camera", CAMERA_FAULTS)
        detector = instrument.detector
        self.instrument = instrument
        self.detector = detector
        self.clock = clock
        self.seed = seed
        self.identity = CameraIdentity(detector.manufacturer, detector.model, detector.serial, "simulated", True)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pixels")
        self._promised: list[Future[Any]] = []
        self._charge = Charge(detector, seed)
        self._clocked_until = self._clear_since = clock.now()
        self._set_point = detector.set_point
        self._temperature_then = detector.set_point
        self._set_at = clock.now()

    async def connect(self) -> None:
        """Compile what makes the pixels, so that the first frame is as quick as the others."""
        await super().connect()
        await self._on_thread(warm_up, self.instrument)

    async def flush(self, cycles: int) -> float:
        """Clear the CCD; return when it was last clear: with 0 cycles that is some time ago."""
        self.check_link()
        if cycles == 0:
            self._gather_dark(self.clock.now())
            return self._clear_since
        self._promised.clear()
        self._clocked_until = self.clock.now() + cycles * self.detector.flush_time
        cleared = self._on_thread(self._charge.flush)
        await self._sleep_until(self._clocked_until)
        await cleared
        self._clear_since = self._clocked_until
        return self._clear_since

    def start_integration(self) -> float:
        """Hold the clocks; return since when the CCD integrates: the end of the last operation."""
        self.check_link()
        return self._clocked_until

    def stop_integration(self, at: float) -> float:
        """End the integration at `at`; dark current gathered until then."""
        self.check_link()
        self._gather_dark(at)
        return self._clocked_until

    async def shift_rows(self, rows: int, at: float | None = None) -> float:
        """Move the charge towards the readout edges; return when that was done."""
        self.check_link()
        self._gather_dark(self.clock.now() if at is None else at)
        self._promise(self._charge.shift_rows, rows)
        self._gather_dark(self._clocked_until + rows * self.detector.row_shift_time)
        await self._sleep_until(self._clocked_until)
        return self._clocked_until

    def readout_time(self, window: Window) -> float:
        """Return how long (s) a readout takes: the full frame's time by the share of its pixels, plus skipped rows."""
        detector = self.detector
        layout = readout_layout(detector, window)
        longest = max(math.prod(readout.raw_shape) for readout in layout)
        skipped = detector.rows - max(readout.data_rows * window.row_binning for readout in layout)
        share = longest / (detector.raw_columns * detector.raw_rows)
        return detector.readout_time * share + skipped * detector.row_shift_time * (detector.readout_time > 0)

    async def read_out(self, window: Window, frame: int, progress: Callable[[int], None]) -> ReadoutResult:
        """Read the CCD; the noise depends on the seed and `frame` only.

        Raises
        ------
        ReadoutFailed
            With the fault ``NoPixels``.
        """
        self.check_link()
        layout = readout_layout(self.detector, window)
        total = sum(math.prod(readout.raw_shape) for readout in layout)
        started_at = self._clocked_until
        finished_at = started_at + self.readout_time(window)
        pixels = self._on_thread(self._read_and_clear, window, self._frame_seed(frame))
        progress(total)
        await self._clock_out(total, started_at, finished_at, progress)
        if self.fault == READOUT_TIMEOUT:
            await asyncio.Event().wait()
        raw = await pixels
        for promise in self._promised:
            promise.result()  # what failed on the way to the pixels must not pass as darkness
        self.check_link()
        if self.fault == NO_PIXELS:
            raise ReadoutFailed(f"camera: the readout ended with 0 of {total} pixels")
        self._promised.clear()
        self._clocked_until = self._clear_since = finished_at
        progress(0)
        return ReadoutResult(layout, raw, started_at, finished_at)

    async def abort(self) -> None:
        """Stop clocking; the charge goes with the next flush."""
        self._clocked_until = self.clock.now()

    def record_light(self, beam: Beam, seconds: float) -> None:
        """Let light of this beam fall for `seconds`."""
        self._promise(self._expose, beam, seconds)

    def prepare_light(self, beam: Beam) -> None:
        """Work out in advance what this beam does, while the shutter is still open."""
        self._promise(electron_rate, self.instrument, beam, self.seed)

    async def temperature(self) -> float:
        """Say how warm the CCD is: on its way to the set point, exponentially."""
        self.check_link()
        return self._temperature(self.clock.now())

    async def dewar_temperature(self) -> float:
        """Say how warm the cold plate is: as it should be."""
        self.check_link()
        return self.detector.dewar_temperature

    async def set_temperature(self, set_point: float) -> None:
        """Regulate the CCD to `set_point` Celsius."""
        self.check_link()
        now = self.clock.now()
        self._temperature_then, self._set_at, self._set_point = self._temperature(now), now, set_point

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _temperature(self, at: float) -> float:
        fading = math.exp(-max(at - self._set_at, 0.0) / COOLING_TIME)
        return self._set_point + (self._temperature_then - self._set_point) * fading

    def _read_and_clear(self, window: Window, seed: int) -> list[NDArray[np.int32]]:
        """Read the CCD out; every row was clocked out in the end, in the window or not."""
        raw = read_out(self.instrument, self._charge, window, seed)
        self._charge.flush()
        return raw

    def _frame_seed(self, frame: int) -> int:
        return (self.seed * 1_000_003 + frame) % 2**63

    def _expose(self, beam: Beam, seconds: float) -> None:
        self._charge.expose(electron_rate(self.instrument, beam, self.seed), seconds)

    def _gather_dark(self, until: float) -> None:
        """Add the dark current since the last operation, and stand at `until`."""
        seconds = max(until - self._clocked_until, 0.0)
        if seconds:
            self._promise(self._charge.dark, seconds, self._temperature(until))
            self._clocked_until = until

    async def _clock_out(self, total: int, start: float, end: float, progress: Callable[[int], None]) -> None:
        """Wait while the pixels come, and say how many are still to come."""
        while (rest := end - self.clock.now()) > 0:
            progress(min(total, math.ceil(total * rest / (end - start))))
            await asyncio.sleep(min(self.clock.wall_seconds(rest), PROGRESS_PERIOD))

    async def _sleep_until(self, moment: float) -> None:
        rest = moment - self.clock.now()
        if rest > 0:
            await asyncio.sleep(self.clock.wall_seconds(rest))

    def _promise(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Have something done on the thread without waiting for it; the readout comes after it."""
        self._promised.append(self._thread.submit(function, *arguments))

    def _on_thread(self, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
