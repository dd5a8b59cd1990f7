"""What a user of pyepics' `epics.Motor` does with the stage; argument: name of the record. JSON on stdout."""

from __future__ import annotations

import json
import os
import sys
import time

import epics


def until(condition, patience=10.0):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        epics.ca.poll(1e-3, 0.01)


def main(name: str) -> None:
    motor = epics.Motor(name, timeout=10)
    found: dict[str, object] = {}

    heard: list[float] = []
    motor.set_callback("RBV", lambda value, **_: heard.append(value))
    found["move"] = [motor.move(60.0, wait=True, timeout=20), motor.get("RBV"), motor.get_position(readback=True)]
    found["relative move"] = [motor.move(-1.0, relative=True, wait=True, timeout=20), motor.get_position(readback=True)]
    found["dial and raw"] = [
        motor.move(58.0, dial=True, wait=True, timeout=20),
        motor.move(57000, raw=True, wait=True, timeout=20),
        motor.get_position(dial=True), motor.get_position(raw=True, readback=True),
    ]  # fmt: skip
    until(lambda: heard and heard[-1] == 57.0)

    motor.TWV = 0.5
    found["tweak"] = [motor.tweak(wait=True), motor.tweak("reverse", wait=True), motor.get_position()]
    found["outside limits"] = motor.move(99.0)
    found["limits ignored"] = [motor.move(99.0, ignore_limits=True, wait=True, timeout=5), motor.LVIO]
    found["move back"] = motor.move(60.0, wait=True, timeout=20)
    motor.check_limits()

    motor.slew_speed = 0.5
    found["move begun"] = motor.move(1.0, confirm_move=True) in (0, 1)  # 1 if it saw MOVN within 0.25 s
    until(lambda: motor.get_position(readback=True) < 59.9)
    motor.stop()
    until(lambda: motor.done_moving == 1)
    found["stopped"] = 1.0 < motor.get_position(readback=True) < 60.0
    motor.slew_speed = 5.0

    motor.move(60.0, wait=True, timeout=20)
    motor.set_position(10.0)
    until(lambda: motor.get("SET") == 0)
    found["renamed"] = [motor.get_position(), motor.get_position(readback=True), motor.offset, motor.high_limit]
    motor.set_position(0.0, dial=True)
    until(lambda: motor.get("SET") == 0)
    found["dial renamed"] = [motor.get_position(), motor.get_position(dial=True, readback=True), motor.offset]
    found["info"] = {key: motor.get_info()[key] for key in ("DESC", "VAL", "SET", "SPMG", "PREC")}
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # libca may crash at interpreter exit


if __name__ == "__main__":
    main(*sys.argv[1:])
