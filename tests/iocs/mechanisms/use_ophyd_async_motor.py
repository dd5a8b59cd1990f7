"""What a user of ophyd-async's `Motor` does with the stage; arguments: names of record and fault. JSON on stdout."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from aioca import caget, caput
from ophyd_async.core import FlyMotorInfo
from ophyd_async.epics.motor import Motor, MotorLimitsError


async def until(signal, condition):
    async with asyncio.timeout(10):
        while not condition(await signal.get_value()):
            await asyncio.sleep(0.005)


async def outcome(status):
    """How a motion ended, in a word or two."""
    try:
        async with asyncio.timeout(20):
            await status
    except Exception as error:
        return type(error).__name__
    return "done"


async def main(name: str, fault: str) -> None:
    motor = Motor(f"ca://{name}", name="stage")
    await motor.connect(timeout=10)
    found: dict[str, object] = {}
    configuration = await motor.read_configuration()
    found["configuration"] = {key: value["value"] for key, value in sorted(configuration.items())}
    description = (await motor.describe())["stage"]
    found["unit and decimals"] = [description.get("units"), description.get("precision")]

    found["move"] = [await outcome(motor.set(60.0)), await motor.user_readback.get_value()]
    found["outside limits"] = await outcome(motor.set(99.0))
    found["its own error"] = found["outside limits"] == MotorLimitsError.__name__

    await motor.velocity.set(0.5)
    for success in (False, True):
        status = motor.set(1.0)
        before = await motor.user_readback.get_value()
        await until(motor.user_readback, lambda position, before=before: position < before - 0.1)
        await motor.stop(success=success)
        found[f"stopped, success {success}"] = await outcome(status)
        await until(motor.motor_done_move, lambda done: done == 1)
    found["timeout"] = await outcome(motor.set(1.0, timeout=0.1))
    await motor.stop()
    await until(motor.motor_done_move, lambda done: done == 1)

    # A fly scan: run up, pass the range at the speed asked for, run down.
    await motor.prepare(FlyMotorInfo(start_position=20.0, end_position=30.0, time_for_move=5.0))
    found["prepared"] = [await motor.user_readback.get_value(), await motor.velocity.get_value()]
    await motor.kickoff()
    found["flown"] = [await outcome(motor.complete()), await motor.user_readback.get_value()]

    await caput(fault, "MoveTimeout", wait=True)
    # ophyd-async 0.21 loses the error of a failed put (aioca's is false as a truth value), so aioca itself is asked.
    found["failed"] = [await outcome(caput(f"{name}.VAL", 60.0, wait=True, timeout=20)), await caget(f"{name}.SEVR")]
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # libca may crash at interpreter exit


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
