"""Our motor record under the names that ophyd's own tests look for; a bench for these tests only.

Each is the focus drive of `iocs.telescope`, served under another name.
"""

from __future__ import annotations

from dataclasses import replace

from drivers.simulated import AxisMechanics, SimulatedAxis
from iocs.ioc import TemplateUse
from iocs.launch import run_ioc
from iocs.mechanisms.mechanism import MechanismIoc
from iocs.mechanisms.motor import Motor, MotorPart, serves_motor

NAMES = (*(f"XF:31IDA-OP{{Tbl-Ax:X{number}}}Mtr" for number in range(1, 7)), "sim:mtr1", "sim:mtr2")
MACROS = {
    "LABEL": "focus", "EGU": "mm", "PREC": "4", "RAMP": "0.1", "RESOLUTION": "0.0001",
    "TOLERANCE": "0.001", "STEP": "0.1",
}  # fmt: skip


class MotorBench(MechanismIoc):
    """Motors, and nothing else."""

    device = "BENCH"

    @classmethod
    def templates(cls, instrument):
        low, high = map(str, instrument.telescope.focus_limits)
        macros = {**MACROS, "SPEED": str(instrument.telescope.focus_speed), "LOW": low, "HIGH": high}
        return [
            TemplateUse("stage.template", {"NEAR": "0", "FAR": "0"}),  # for SimFault, which every mechanism has
            *(TemplateUse("motor.template", {**macros, "M": name}) for name in NAMES),
            *(TemplateUse("command.template", {"R": f"{name}:"}) for name in NAMES),
        ]

    def __init__(self, setup):
        super().__init__(replace(setup, prefix=""), "bench")  # the names are whole ones
        optics = setup.instrument.telescope
        self.motors = {}
        for name in NAMES:
            axis = SimulatedAxis(AxisMechanics.of_focus(optics), setup.clock.now)
            self.motors[name] = Motor(self, MotorPart(name, "focus", 7, optics.focus_limits), axis, _nothing_more)
        self.driver = self.motors[NAMES[0]].driver

    async def started(self):
        for motor in self.motors.values():
            await motor.show_first()
        await super().started()

    async def stop(self):
        for motor in self.motors.values():
            motor.motion.abandon()
        await super().stop()

    async def halt(self):
        for motor in self.motors.values():
            await motor.motion.stop()

    async def look(self):
        for motor in self.motors.values():
            await motor.look()


async def _nothing_more(status):
    """Nothing depends on these axes."""


for name in NAMES:
    serves_motor(name)(MotorBench)

if __name__ == "__main__":
    raise SystemExit(run_ioc(MotorBench))
