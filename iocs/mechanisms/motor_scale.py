"""The three scales of a motor record, user, dial and raw, and the limits on each."""

from __future__ import annotations

from iocs.records.motor_record import MotorRecord

__all__ = ["MotorScale"]


class MotorScale:
    """Turns positions of one scale into another: user = sign of DIR x dial + OFF, dial = raw x MRES.

    Parameters
    ----------
    motor : MotorRecord
        The record.
    travel : tuple of float
        Lowest and highest dial position the axis is made for.
    """

    def __init__(self, motor: MotorRecord, travel: tuple[float, float]) -> None:
        self._motor = motor
        self.travel = travel

    @property
    def sign(self) -> int:
        """Direction of the user scale on the dial: 1 or -1."""
        return 1 if self._motor["DIR"].value == "Pos" else -1

    @property
    def step(self) -> float:
        """One motor step, EGU."""
        return self._motor["MRES"].value

    def user(self, dial: float) -> float:
        """Return a dial position on the user scale."""
        return round(self.sign * dial + self._motor["OFF"].value, 9)

    def dial(self, user: float) -> float:
        """Return a user position on the dial."""
        return round((user - self._motor["OFF"].value) * self.sign, 9)

    def steps(self, dial: float) -> int:
        """Return a dial position in whole steps."""
        return round(dial / self.step)

    def on_step(self, dial: float) -> float:
        """Return the position of the step nearest to a dial position."""
        return round(self.steps(dial) * self.step, 9)

    @property
    def dial_limits(self) -> tuple[float, float] | None:
        """DLLM and DHLM; None where both are 0, which means no limits."""
        low, high = self._motor["DLLM"].value, self._motor["DHLM"].value
        return None if low == high == 0 else (low, high)

    @property
    def limits(self) -> tuple[float, float]:
        """LLM and HLM as they follow from the dial limits."""
        low, high = self.user(self._motor["DLLM"].value), self.user(self._motor["DHLM"].value)
        return (low, high) if self.sign > 0 else (high, low)

    def end(self, forward: bool) -> float:
        """Return the dial position of the end of the travel in a user direction: a soft limit, or beyond the switch."""
        towards_high = forward == (self.sign > 0)
        if self.dial_limits is None:
            beyond = self.travel[1] - self.travel[0]
            return self.travel[1] + beyond if towards_high else self.travel[0] - beyond
        return self.dial_limits[1 if towards_high else 0]

    async def set_limit(self, field: str, value: float) -> None:
        """Set HLM, LLM, DHLM or DLLM, and with it its counterparts on the other scales."""
        on_dial = field.startswith("D")
        is_high = field == "DHLM" if on_dial else (field == "HLM") == (self.sign > 0)
        await self._motor["DHLM" if is_high else "DLLM"].write(value if on_dial else self.dial(value))
        await self.show_limits()

    async def show_limits(self) -> None:
        """Write the user and raw limits that follow from the dial limits, and show them with the positions."""
        low, high = self.limits
        raw = {"RHLM": self._motor["DHLM"].value / self.step, "RLLM": self._motor["DLLM"].value / self.step}
        values = {"HLM": high, "LLM": low, **raw}
        await self._motor.show_limits(**values)
        for field, value in values.items():
            await self._motor[field].write(value)
