"""What scripts ask of the camera by itself: sequences, test exposures, header file, parameters, status.

Everything here is refused while another client holds the sequence, and says why.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from ophyd import Component as Cpt
from ophyd import Device
from ophyd.status import Status

from devices.asking import in_thread
from devices.command import CommandFailed, CommandStatus
from devices.readout import ReadoutFormat, Region
from devices.signals import Readback, Setting, Text, TextSetting
from devices.waiting import wait_for
from slitless.errors import choose, require_range, require_whole
from slitless.exposure import MAXIMUM_IMAGES, SequenceFlush

__all__ = ["CameraControl", "HeaderFile"]

ANSWER = 5.0
"""s of wall time for the IOC to publish or refuse a setting."""


class HeaderFile(Device):
    """Keywords of the observer's own, from a file below the data root; ``set("")`` forgets them."""

    path = Cpt(TextSetting, "HeaderFile", kind="omitted")
    loaded = Cpt(Text, "HeaderFile_RBV", kind="normal")
    cards = Cpt(Text, "HeaderCards_RBV", kind="normal")
    clear_signal = Cpt(Setting, "HeaderClear", kind="omitted")

    def set(self, path: str) -> Status:
        """Load a header file, whole or not at all; done when the next frame will carry its keywords."""
        control: Any = self.parent
        before = self.loaded.timestamp
        return in_thread(self, lambda: control.ask(self.path, str(path), lambda: self.loaded.timestamp != before))


class CameraControl(Device):
    """Sequences, test exposures, parameters by name, status and sensors of the camera."""

    sequence_number = Cpt(Setting, "SequenceNumber", kind="omitted")
    sequence_flush = Cpt(Setting, "SequenceFlush", string=True, kind="omitted")
    sequence_delay = Cpt(Setting, "SequenceDelay", kind="omitted")
    sequence_start = Cpt(Setting, "SequenceStart", kind="omitted")
    sequence_count = Cpt(Readback, "SequenceCount_RBV", kind="omitted")
    sequence_total = Cpt(Readback, "SequenceTotal_RBV", kind="omitted")
    test_time = Cpt(Setting, "TestTime", kind="omitted")
    test_shutter = Cpt(Setting, "TestShutter", kind="omitted")
    test_exposure = Cpt(Setting, "TestExposure", kind="omitted")
    image_test = Cpt(Readback, "ImageTest_RBV", kind="omitted")
    image_title = Cpt(Text, "ImageTitle_RBV", kind="omitted")
    header_file = Cpt(HeaderFile, "", kind="omitted")
    region = Cpt(Region, "", kind="omitted")
    readout_format = Cpt(ReadoutFormat, "", kind="omitted")
    parameter_name = Cpt(TextSetting, "ParName", kind="omitted")
    parameter_value = Cpt(TextSetting, "ParValue", kind="omitted")
    parameter = Cpt(Text, "ParValue_RBV", kind="omitted")
    parameter_names = Cpt(Text, "ParNames_RBV", kind="omitted")
    exposure_flag = Cpt(Readback, "ExposureFlag_RBV", kind="omitted")
    status_text = Cpt(Text, "Status_RBV", kind="omitted")
    reset_signal = Cpt(Setting, "CameraReset", kind="omitted")
    flush_signal = Cpt(Setting, "Flush", kind="omitted")
    start_image_signal = Cpt(Setting, "StartImage", kind="omitted")
    discard_rows_signal = Cpt(Setting, "DiscardRows", kind="omitted")
    end_image_signal = Cpt(Setting, "EndImage", kind="omitted")
    dewar_temperature = Cpt(Readback, "DewarTemperature_RBV", kind="omitted")

    def sequence(self, number: int, flush: str = "Each", delay: float = 0.0) -> CommandStatus:
        """Let the camera take a sequence by itself, with the settings of an Acquire; done when all frames are written.

        Parameters
        ----------
        number : int
            Frames.
        flush : str
            Each, First or Never: which frames are flushed.
        delay : float
            s from the end of a frame to the start of the next.
        """
        number = require_whole("number", number, 1, MAXIMUM_IMAGES)
        flush = choose("flush", str(flush).capitalize(), [mode.value for mode in SequenceFlush])
        delay = require_range("delay", delay, 0.0, 86_400.0, "s")
        self.ask(self.sequence_number, number, lambda: self.sequence_number.get() == number)
        modes = [mode.value for mode in SequenceFlush]
        self.ask(self.sequence_flush, modes.index(flush), lambda: self.sequence_flush.get() == flush)
        self.ask(self.sequence_delay, delay, lambda: abs(self.sequence_delay.get() - delay) < 1e-6)
        exposure_time = float(self._detector.cam.acquire_time.get())
        return self._issue(self.sequence_start, f"sequence of {number}", number * (exposure_time + delay))

    def test(self, exposure_time: float = 0.0, shutter: bool = False) -> CommandStatus:
        """Take a test exposure; it has an id and a file, and changes no setting of other frames."""
        self.ask(self.test_time, exposure_time, lambda: abs(self.test_time.get() - exposure_time) < 1e-6)
        self.ask(self.test_shutter, int(shutter), lambda: self.test_shutter.get() == int(shutter))
        return self._issue(self.test_exposure, "test exposure", exposure_time)

    def flush(self) -> CommandStatus:
        """Flush the CCD as often as FlushCycles says, at least once."""
        return self._issue(self.flush_signal, "flush", 0.0)

    def start_image(self) -> CommandStatus:
        """Start a frame and leave it integrating."""
        return self._issue(self.start_image_signal, "start image", 0.0)

    def shift_rows(self, rows: int) -> CommandStatus:
        """Shift the charge of a started frame towards the readout edges."""
        rows = require_whole("rows", rows, 1, self._detector.instrument.detector.rows)
        return self._issue(self.discard_rows_signal, f"shift {rows} rows", 0.0, rows)

    def end_image(self) -> CommandStatus:
        """End a started frame; done when it is written."""
        return self._issue(self.end_image_signal, "end image", 0.0)

    def reset(self) -> CommandStatus:
        """Make the idle camera ready again after a failure."""
        return self._issue(self.reset_signal, "reset", 0.0)

    def get_parameter(self, name: str) -> Any:
        """Return the value of a parameter by its AzCam name, in any case of letters.

        Raises
        ------
        CommandFailed
            If there is no such parameter.
        """
        before = self.parameter.timestamp
        self.ask(self.parameter_name, name, lambda: self.parameter.timestamp != before)
        return self._shown_parameter()["value"]

    def set_parameter(self, name: str, value: Any) -> Any:
        """Set a parameter by its AzCam name; return its value then.

        Raises
        ------
        CommandFailed
            If there is none, it is read-only, or the value is not valid.
        """
        self.get_parameter(name)
        text = value if isinstance(value, str) else json.dumps(value)
        before = self.parameter_value.timestamp
        self.ask(self.parameter_value, text, lambda: self.parameter_value.timestamp != before)
        return self.get_parameter(name)

    def status(self) -> dict[str, Any]:
        """Return AzCam's status and ours; empty before the camera has published any."""
        return json.loads(self.status_text.get() or "{}")

    def temperatures(self) -> tuple[float, float]:
        """Return the temperatures of CCD and dewar, Celsius."""
        return self._detector.cam.temperature_actual.get(), self.dewar_temperature.get()

    def ask(self, signal: Setting, value: Any, taken: Callable[[], object]) -> None:
        """Put a setting, and return when the IOC has taken it.

        Raises
        ------
        CommandFailed
            If it was refused, with the reason, or not published in time.
        """
        error = self._detector.cam.commands.error
        before, completed = error.timestamp, threading.Event()
        signal.put(value, callback=lambda **_: completed.set())
        # A refused put completes too, and then says why; one that was taken shows in the readback at about that time.
        wait_for(lambda: completed.is_set() and (taken() or error.timestamp != before), ANSWER)
        if not taken():
            reason = error.get() if error.timestamp != before else f"not taken within {ANSWER:g} s"
            raise CommandFailed(f"{signal.setpoint_pvname}: {reason}")

    def _shown_parameter(self) -> dict[str, Any]:
        return json.loads(self.parameter.get() or "{}")

    @property
    def _detector(self) -> Any:
        return self.parent

    def _issue(self, signal: Setting, what: str, seconds: float, value: int = 1) -> CommandStatus:
        detector = self._detector
        instrument = detector.instrument.detector
        frames = max(int(self.sequence_number.get()), 1) if signal is self.sequence_start else 1
        flush = max(int(detector.cam.flush_cycles.get()), 1) * instrument.flush_time
        allowed = seconds + frames * (flush + 2 * instrument.readout_time + 2.0)
        return detector.cam.commands.issue(signal, value, f"{detector.name}: {what}", detector.ioc, allowed)
