"""The two scales of a motor record, user and dial, and the limits on both."""

from __future__ import annotations

from collections.abc import Callable

from iocs.ioc import Record, Refused
from slitless.errors import InvalidRequest, require_range

__all__ = ["MotorScale"]


class MotorScale:
    """Turns user into dial coordinates and back: user = sign of DIR x dial + OFF.

    Parameters
    ----------
    field : callable
        Returns a field of the motor record by its name.
    label : str
        What an observer calls the axis.
    travel : tuple of float
        Lowest and highest dial position the axis is made for; limits can be narrowed, not widened.
    """

    def __init__(self, field: Callable[[str], Record], label: str, travel: tuple[float, float]) -> None:
        self._field = field
        self._label = label
        self._travel = travel

    @property
    def sign(self) -> int:
        """Direction of the user scale on the dial: 1 or -1."""
        return 1 if self._field("DIR").value == "Pos" else -1

    def user(self, dial: float) -> float:
        """Return a dial position on the user scale."""
        return round(self.sign * dial + self._field("OFF").value, 9)

    def dial(self, user: float) -> float:
        """Return a user position on the dial."""
        return round((user - self._field("OFF").value) * self.sign, 9)

    def steps(self, dial: float) -> int:
        """Return a dial position in whole steps."""
        return round(dial / self._field("MRES").value)

    def on_step(self, dial: float) -> float:
        """Return the position of the step nearest to a dial position."""
        return round(self.steps(dial) * self._field("MRES").value, 9)

    @property
    def dial_limits(self) -> tuple[float, float]:
        """Limits on the dial; equal DLLM and DHLM mean none but the travel of the axis."""
        low, high = self._field("DLLM").value, self._field("DHLM").value
        return (low, high) if low < high else self._travel

    @property
    def limits(self) -> tuple[float, float]:
        """Limits on the user scale."""
        low, high = (self.user(limit) for limit in self.dial_limits)
        return min(low, high), max(low, high)

    @property
    def span(self) -> float:
        """Distance between the ends of the travel."""
        return self._travel[1] - self._travel[0]

    async def set_limit(self, field: str, value: float) -> None:
        """Set HLM, LLM, DHLM or DLLM, and with it its counterpart on the other scale.

        Raises
        ------
        Refused
            If it lies outside the travel of the axis, or beyond the opposite limit.
        """
        on_dial = field.startswith("D")
        dial = value if on_dial else self.dial(value)
        is_high = field.endswith("HLM") if on_dial or self.sign > 0 else field == "LLM"
        low, high = self._travel
        if low <= dial <= high:
            low, high = (self._field("DLLM").value, high) if is_high else (low, self._field("DHLM").value)
        try:
            require_range(f"{self._label} {field}", dial, low, high, self._field("EGU").value)
        except InvalidRequest as error:
            raise Refused(str(error)) from error
        await self._field("DHLM" if is_high else "DLLM").write(dial)
        await self.show_limits()

    async def show_limits(self) -> None:
        """Write the user limits that follow from the dial limits."""
        low, high = self.limits
        # The control limits first: ophyd reads them as soon as it sees HLM or LLM change.
        for field in ("VAL", "RBV"):
            await self._field(field).set_limits(low, high)
        for field in ("DVAL", "DRBV"):
            await self._field(field).set_limits(*self.dial_limits)
        await self._field("HLM").write(high)
        await self._field("LLM").write(low)
