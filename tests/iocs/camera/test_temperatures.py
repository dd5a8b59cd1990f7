"""The sensors of camera and dewar: what they read, when that is an alarm, and when it is not known."""

import pytest

MINOR, INVALID = 1, 3


async def severity(bench, name, wanted):
    """Wait for the next look at the sensors after which a record has an alarm."""
    beat = await bench.get("CAM:IOC:Heartbeat")
    for count in range(1, 8):
        if bench.camera[f"cam1:{name}"].severity == wanted:
            return
        await bench.until("CAM:IOC:Heartbeat", lambda now, due=beat + count: now >= due)
    assert bench.camera[f"cam1:{name}"].severity == wanted


async def test_both_sensors_are_read(bench):
    assert await bench.cam("TemperatureActual") == pytest.approx(-94.15, abs=0.01)  # Celsius
    await bench.until("CAM:cam1:Temperatures_RBV", lambda values: len(values) == 2)
    assert list(await bench.cam("Temperatures_RBV")) == pytest.approx([-94.15, -130.0], abs=0.01)
    await bench.refused("CAM:cam1:Temperature", 30.0)
    await bench.set(Temperature=-100.0)
    assert await bench.cam("Temperature_RBV") == -100.0


async def test_a_warm_dewar_is_an_alarm(bench, monkeypatch):
    async def warm():
        return -90.0

    monkeypatch.setattr(bench.camera.camera, "dewar_temperature", warm)
    await bench.until("CAM:cam1:DewarTemperature_RBV", -90.0)
    await severity(bench, "DewarTemperature_RBV", MINOR)
    assert bench.camera["cam1:TemperatureActual"].severity == 0


async def test_sensors_that_do_not_answer_are_invalid_and_not_repeated(bench):
    await bench.set(SimFault="LinkLost")
    for name in ("TemperatureActual", "DewarTemperature_RBV", "Temperatures_RBV"):
        await severity(bench, name, INVALID)
    status = bench.camera.status
    assert status._value("TemperatureActual") is None
