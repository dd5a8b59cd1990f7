"""What a motor record does between the first and the last motion of a move: backlash, settling, retries, jogs."""

from __future__ import annotations

import asyncio

import pytest

from drivers.simulated import AxisMechanics, SimulatedAxis
from iocs.linear_stage import LinearStage
from iocs.mechanisms.motor import Motor, MotorPart

SHARE = 0.9
"""How much of each motion a slipping axis does."""


class SlippingAxis(SimulatedAxis):
    """An axis that falls short of its target."""

    def __init__(self, mechanics, now):
        super().__init__(mechanics, now)
        self.targets = []

    async def move(self, position, speed, acceleration_time):
        self.targets.append((round(position, 6), speed))
        here = self._read(self._position(self.now()))
        await super().move(here + SHARE * (position - here), speed, acceleration_time)


class NotingAxis(SlippingAxis):
    """An axis that gets where it is told, and notes where that was."""

    async def move(self, position, speed, acceleration_time):
        self.targets.append((round(position, 6), speed))
        await SimulatedAxis.move(self, position, speed, acceleration_time)


class StageOnSlippingAxis(LinearStage):
    axis: type = SlippingAxis

    def __init__(self, setup):
        super().__init__(setup)
        self.driver = self.axis(AxisMechanics.of_stage(self.stage), setup.clock.now)
        part = MotorPart("m1", self.stage.label, 2, self.stage.limits)
        self.motors = {"m1": Motor(self, part, self.driver, self._show_distance)}


class StageOnNotingAxis(StageOnSlippingAxis):
    axis = NotingAxis


@pytest.fixture
async def slipping(open_bench):
    async with open_bench(StageOnSlippingAxis, speed=200) as bench:
        yield bench


@pytest.fixture
async def noting(open_bench):
    async with open_bench(StageOnNotingAxis, speed=200) as bench:
        yield bench


async def test_an_axis_that_falls_short_is_told_again_until_it_is_near_enough(slipping):
    await slipping.record("m1.DMOV")
    assert await slipping.put("m1.VAL", 60.0)
    assert abs(slipping.value("m1.RBV") - 60.0) < slipping.value("m1.RDBD")
    assert (slipping.value("m1.RCNT"), slipping.value("m1.MISS")) == (2, 0)  # 0.7, 0.07 and 0.007 mm were left
    assert await slipping.seen_until("m1.DMOV", 1) == [0, 1]


@pytest.mark.parametrize(("retries", "misses"), [(1, 1), (0, 0)])
async def test_out_of_retries_the_move_fails(slipping, retries, misses):
    assert await slipping.put("m1.RTRY", retries)
    assert "did not reach 57 mm" in (await slipping.command("m1.VAL", 57.0, "m1:"))["error"]
    assert (slipping.value("m1.MISS"), slipping.value("m1.DMOV")) == (misses, 1)
    assert int(slipping.value("m1.MSTA")) & 0x200
    assert slipping.ioc["m1.RBV"].severity == 2


async def test_a_fraction_of_the_way_is_made_up_by_retries(noting):
    assert await noting.put("m1.FRAC", 0.5)
    assert await noting.put("m1.VAL", 66.0)
    assert [target for target, _ in noting.ioc.driver.targets][:3] == [66.5, 66.25, 66.125]
    assert abs(noting.value("m1.RBV") - 66.0) < noting.value("m1.RDBD")


async def test_backlash_is_taken_out_at_its_own_speed(noting):
    assert await noting.put("m1.BDST", 2.0)
    assert await noting.put("m1.BVEL", 1.0)
    assert await noting.put("m1.VAL", 50.0)
    assert noting.ioc.driver.targets == [(48.0, 5.0), (50.0, 1.0)]
    assert noting.value("m1.RBV") == 50.0


async def test_backlash_that_would_pass_a_limit_refuses_the_move(noting):
    assert await noting.put("m1.BDST", 2.0)
    assert "backlash" in (await noting.command("m1.VAL", 2.0, "m1:"))["error"]
    assert noting.value("m1.LVIO") == 1


async def test_a_jog_let_go_takes_out_the_backlash(noting):
    assert await noting.put("m1.BDST", 1.0)
    assert await noting.put("m1.JVEL", 0.5)
    jog = asyncio.ensure_future(noting.put("m1.JOGR", 1))
    await noting.until("m1.RBV", lambda position: position < 66.9)
    pv = await noting.pv("m1.JOGR")
    await pv.write(data=[0], wait=False)
    assert await jog
    rest = noting.value("m1.VAL")
    assert [target for target, _ in noting.ioc.driver.targets[1:]] == pytest.approx([rest - 1.0, rest])
    assert noting.value("m1.RBV") == rest


async def test_the_axis_settles_before_the_move_is_done(noting):
    assert await noting.put("m1.DLY", 40.0)
    start = noting.ioc.clock.now()
    assert await noting.put("m1.VAL", 66.0)
    assert noting.ioc.clock.now() - start > 40.0


async def test_stop_ends_settling_and_a_jog_and_homing(noting):
    assert await noting.put("m1.DLY", 1e6)
    move = await noting.begin("m1.VAL", 66.0, "m1:")
    await noting.until("m1.MIP", lambda phase: phase == 0x400)
    assert await noting.put("m1.STOP", 1)
    assert "stopped" in (await move)["error"]
    for button in ("JOGR", "HOMR"):
        assert await noting.put("m1.JVEL", 0.1)
        assert await noting.put("m1.HVEL", 0.1)
        put = asyncio.ensure_future(noting.put(f"m1.{button}", 1))
        await noting.until("m1.MOVN", lambda moving: moving == 1)
        assert noting.value(f"m1.{button}") == 1
        assert await noting.put("m1.STOP", 1)
        assert await put
        assert (noting.value(f"m1.{button}"), noting.value("m1.DMOV"), noting.value("m1.MIP")) == (0, 1, 0)


async def test_within_the_dead_band_of_the_setpoint_nothing_moves(noting):
    await noting.record("m1.DMOV")
    assert await noting.put("m1.SPDB", 0.5)
    assert await noting.put("m1.VAL", 66.6)
    assert (noting.value("m1.VAL"), noting.value("m1.RBV"), noting.value("m1.DIFF")) == (66.6, 67.0, -0.4)
    assert await noting.seen_until("m1.DMOV", 1) == [0, 1]
    assert noting.ioc.driver.targets == []
    assert await noting.put("m1.SYNC", 1)
    assert (noting.value("m1.VAL"), noting.value("m1.SYNC")) == (67.0, 0)
