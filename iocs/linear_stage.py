"""The linear stage: `python -m iocs.linear_stage`, prefix `LATISS:STAGE:`.

`m1` is an EPICS motor record (`iocs.mechanisms.motor`), its commands in group ``m1:``; `Home` and `Stop` are buttons
for it; `Homed_RBV` says whether the zero of the scale is known, `DisperserDistance_RBV` (mm) how far the disperser is
from the detector. Fault code 2 is an axis that does not arrive, 5 a lost link.
"""

from __future__ import annotations

from drivers.axis import AxisDriver, AxisStatus
from drivers.simulated import AxisMechanics, SimulatedAxis
from iocs.ioc import AlarmSeverity, Client, IocSetup, TemplateUse, command, on_put
from iocs.launch import run_ioc
from iocs.mechanisms.mechanism import MechanismIoc
from iocs.mechanisms.motor import Motor, MotorPart, serves_motor
from slitless.definition import Instrument

__all__ = ["LinearStage", "main"]

MOVE_FAULT = 2


@serves_motor("m1")
class LinearStage(MechanismIoc):
    """The stage that carries the disperser."""

    device = "STAGE"

    @classmethod
    def templates(cls, instrument: Instrument) -> list[TemplateUse]:
        """Return the motor record with its command group, and what the stage says beside."""
        stage = instrument.stage
        low, high = stage.limits
        motor = {
            "M": "m1",
            "LABEL": stage.label[:1].upper() + stage.label[1:],
            "EGU": "mm",
            "PREC": "3",
            "SPEED": str(stage.speed),
            "RAMP": str(stage.acceleration_time),
            "RESOLUTION": str(stage.resolution),
            "LOW": str(low),
            "HIGH": str(high),
            "TOLERANCE": str(stage.tolerance),
            "STEP": "1",
        }
        distances = {"NEAR": str(stage.disperser_distance(low)), "FAR": str(stage.disperser_distance(high))}
        return [
            TemplateUse("motor.template", motor),
            TemplateUse("command.template", {"R": "m1:"}),
            TemplateUse("stage.template", distances),
        ]

    def __init__(self, setup: IocSetup) -> None:
        self.stage = setup.instrument.stage
        super().__init__(setup, self.stage.label)
        self.driver: AxisDriver = SimulatedAxis(AxisMechanics.of_stage(self.stage), setup.clock.now)
        part = MotorPart("m1", self.stage.label, MOVE_FAULT, self.stage.limits)
        self.motors = {"m1": Motor(self, part, self.driver, self._show_distance)}

    @property
    def motor(self) -> Motor:
        """The one axis there is."""
        return self.motors["m1"]

    @command("Home", group="m1:")
    async def _put_home(self, value: str, client: Client) -> str:
        if value == "Home":
            await self.motor.home()
        return "Idle"

    @on_put("Stop")
    async def _put_stop(self, value: str, client: Client) -> str:
        if value == "Stop":
            await self.motor.put("STOP", 1)
        return "Idle"

    async def started(self) -> None:
        """Show the stage, and go on watching it."""
        await self.motor.show_first()
        await super().started()

    async def stop(self) -> None:
        """End what runs in the background."""
        self.motor.motion.abandon()
        await super().stop()

    async def enabled(self) -> None:
        """Connect; a stage that does not know its zero, or reads negative as after a reset, is homed."""
        await super().enabled()
        async with self.link():
            await self.motor.look()
        if not self.motor.display.homed or self["m1.DRBV"].value < 0:
            await self.motor.home()

    async def halt(self) -> None:
        """Stop the stage."""
        await self.motor.motion.stop()

    async def look(self) -> None:
        """Show where the stage is, unless a motion does so already."""
        await self.motor.look()

    async def show_unknown(self) -> None:
        """Show that nobody knows where the stage is."""
        await self.motor.display.show_no_link()

    async def _show_distance(self, status: AxisStatus | None) -> None:
        known = status is not None and status.homed
        distance = self.stage.disperser_distance(self["m1.DRBV"].value)
        severity = None if known else AlarmSeverity.INVALID_ALARM
        await self["Homed_RBV"].write("Yes" if known else "No")
        await self["DisperserDistance_RBV"].write(distance, severity=severity)


def main(argv: list[str] | None = None) -> int:
    """Serve the linear stage until told to end; return the exit status."""
    return run_ioc(LinearStage, argv)


if __name__ == "__main__":
    raise SystemExit(main())
