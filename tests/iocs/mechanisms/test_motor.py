"""The motor record behind the linear stage: what its fields do."""

from __future__ import annotations

import asyncio

import pytest

from iocs.linear_stage import LinearStage


@pytest.fixture
async def bench(open_bench):
    async with open_bench(LinearStage, speed=100) as bench:
        yield bench


async def set_out(bench, target: float = 1.0):
    """Start a move from 67 mm that lasts more than a second, and return its result once it is under way."""
    assert await bench.put("m1.VELO", 0.5)
    result = await bench.begin("m1.VAL", target, "m1:")
    await moving(bench)
    return result


async def moving(bench, beyond: float = 66.9):
    """Wait until the stage, which starts at 67 mm, is on its way down."""
    await bench.until("m1.RBV", lambda position: position < beyond)


@pytest.mark.parametrize(("field", "value"), [("VAL", 50.0), ("DVAL", 50.0), ("RVAL", 50_000), ("RLV", -17.0)])
async def test_a_put_callback_is_held_until_the_axis_is_there(bench, field, value):
    assert await bench.put(f"m1.{field}", value)
    assert (bench.value("m1.DMOV"), bench.value("m1.RBV"), bench.value("m1.VAL")) == (1, 50.0, 50.0)
    assert (bench.value("m1.DVAL"), bench.value("m1.DRBV")) == (50.0, 50.0)
    assert (bench.value("m1.RVAL"), bench.value("m1.RRBV")) == (50_000, 50_000)
    assert bench.value("m1.RLV") == 0.0


async def test_dmov_falls_and_rises_once_a_move_however_short(bench):
    await bench.record("m1.DMOV")
    for target in (67.0, 66.999, 60.0):
        assert await bench.put("m1.VAL", target)
    await bench.seen_until("m1.DMOV", 1)
    assert bench.seen["m1.DMOV"] == [0, 1] * 3


async def test_the_readback_moves_with_the_axis(bench):
    await bench.record("m1.RBV")
    assert await bench.put("m1.VELO", 2.0)
    assert (await bench.command("m1.VAL", 1.0, "m1:"))["status"] == "Done"
    steps = await bench.seen_until("m1.RBV", 1.0)
    assert len(steps) > 3
    assert steps == sorted(steps, reverse=True)


async def test_tweaks_step_by_twv(bench):
    assert await bench.put("m1.TWV", 0.1)
    for _ in range(3):
        assert await bench.put("m1.TWR", 1)
    assert bench.value("m1.RBV") == 66.7
    assert await bench.put("m1.TWF", 1)
    assert (bench.value("m1.RBV"), bench.value("m1.TWF")) == (66.8, 0)


async def test_a_tweak_beyond_the_limit_is_refused(bench):
    assert not await bench.put("m1.TWF", 1)
    assert (bench.value("m1.LVIO"), bench.value("m1.VAL")) == (1, 67.0)


async def test_a_new_target_on_the_way_is_where_it_ends(bench):
    await bench.record("m1.DMOV")
    first = await set_out(bench)
    second = await bench.command("m1.VAL", 65.0, "m1:")
    assert second["status"] == "Done"
    assert (bench.value("m1.RBV"), bench.value("m1.VAL")) == (65.0, 65.0)
    assert "superseded" in (await first)["error"]
    assert await bench.seen_until("m1.DMOV", 1) == [0, 1]


async def test_stop_leaves_the_setpoint_where_the_axis_rests(bench):
    move = await set_out(bench)
    assert await bench.put("m1.STOP", 1)
    assert "stopped" in (await move)["error"]
    assert 1.0 < bench.value("m1.RBV") < 67.0
    assert bench.value("m1.VAL") == bench.value("m1.RBV")
    assert (bench.value("m1.STOP"), bench.value("m1.DMOV")) == (0, 1)
    assert bench.value("IOC:SummaryState") == "Enabled"


async def test_the_callback_of_a_stopped_put_comes_when_the_axis_rests(bench):
    await bench.put("m1.VELO", 0.5)
    put = asyncio.ensure_future(bench.put("m1.VAL", 1.0))
    await moving(bench)
    assert await bench.put("m1.STOP", 1)
    assert await put
    assert bench.value("m1.DMOV") == 1


async def test_the_callbacks_of_two_puts_come_together_when_the_second_target_is_reached(bench):
    await bench.put("m1.VELO", 0.5)
    await bench.record("m1.DMOV")
    first = asyncio.ensure_future(bench.put("m1.VAL", 1.0))
    await moving(bench)
    second = asyncio.ensure_future(bench.put("m1.DVAL", 64.0))
    await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
    assert (bench.value("m1.DMOV"), bench.value("m1.RBV")) == (1, 64.0)
    assert await asyncio.gather(first, second) == [True, True]
    assert await bench.seen_until("m1.DMOV", 1) == [0, 1]


async def test_a_new_target_ahead_is_reached_without_a_rest(bench):
    await bench.put("m1.VELO", 0.5)
    await bench.record("m1.MOVN")
    first = asyncio.ensure_future(bench.put("m1.VAL", 1.0))
    await moving(bench)
    await bench.put("m1.VAL", 30.0)
    assert await first
    assert await bench.seen_until("m1.MOVN", 0) == [1, 0]


async def test_pause_holds_a_move_and_go_resumes_it(bench):
    move = await set_out(bench)
    assert await bench.put("m1.SPMG", "Pause")
    await bench.until("m1.MOVN", lambda moving: moving == 0)
    held_at = bench.value("m1.RBV")
    assert held_at > 1.0
    assert (bench.value("m1.DMOV"), bench.value("m1.VAL")) == (0, 1.0)
    assert await bench.put("m1.SPMG", "Go")
    assert (await move)["status"] == "Done"
    assert bench.value("m1.RBV") == 1.0


async def test_stop_ends_a_paused_move(bench):
    move = await set_out(bench)
    assert await bench.put("m1.SPMG", "Pause")
    await bench.until("m1.MOVN", lambda moving: moving == 0)
    assert await bench.put("m1.STOP", 1)
    assert "stopped" in (await move)["error"]
    assert bench.value("m1.DMOV") == 1


async def test_spmg_stop_ends_a_move(bench):
    move = await set_out(bench)
    assert await bench.put("m1.SPMG", "Stop")
    assert "stopped" in (await move)["error"]
    assert (bench.value("m1.DMOV"), bench.value("m1.LSPG")) == (1, "Stop")
    assert bench.value("m1.VAL") == bench.value("m1.RBV")


@pytest.mark.parametrize("state", ["Stop", "Pause"])
@pytest.mark.parametrize("start", ["Move", "Go"])
async def test_a_target_put_while_stopped_or_paused_is_gone_to_after_go(bench, state, start):
    assert await bench.put("m1.SPMG", state)
    put = asyncio.ensure_future(bench.put("m1.VAL", 50.0))
    await bench.until("m1.DMOV", lambda done: done == 0)
    assert (bench.value("m1.VAL"), bench.value("m1.RBV"), put.done()) == (50.0, 67.0, False)
    assert await bench.put("m1.SPMG", start)
    assert await put
    assert (bench.value("m1.RBV"), bench.value("m1.DMOV")) == (50.0, 1)
    assert bench.value("m1.SPMG") == ("Go" if start == "Go" else "Pause")


async def test_stop_forgets_a_target_put_while_paused(bench):
    assert await bench.put("m1.SPMG", "Pause")
    put = asyncio.ensure_future(bench.put("m1.VAL", 50.0))
    await bench.until("m1.DMOV", lambda done: done == 0)
    assert await bench.put("m1.STOP", 1)
    assert await put
    assert (bench.value("m1.VAL"), bench.value("m1.RBV")) == (67.0, 67.0)
    assert await bench.put("m1.SPMG", "Go")
    assert (bench.value("m1.RBV"), bench.value("m1.DMOV")) == (67.0, 1)


async def test_spmg_move_does_one_move_and_pauses(bench):
    assert await bench.put("m1.SPMG", "Move")
    assert await bench.put("m1.VAL", 66.0)
    assert bench.value("m1.SPMG") == "Pause"


async def test_setting_the_position_changes_the_offset_and_moves_nothing(bench):
    assert await bench.put("m1.SET", "Set")
    assert await bench.put("m1.VAL", 10.0)
    assert await bench.put("m1.SET", "Use")
    assert (bench.value("m1.RBV"), bench.value("m1.VAL"), bench.value("m1.OFF")) == (10.0, 10.0, -57.0)
    assert bench.value("m1.DRBV") == 67.0
    assert (bench.value("m1.LLM"), bench.value("m1.HLM")) == (-56.0, 10.0)
    assert await bench.put("m1.VAL", 0.0)
    assert bench.value("m1.DRBV") == 57.0


async def test_with_a_frozen_offset_setting_changes_the_dial(bench):
    assert await bench.put("m1.FOFF", "Frozen")
    assert await bench.put("m1.SET", "Set")
    assert await bench.put("m1.VAL", 10.0)
    assert await bench.put("m1.SET", "Use")
    assert (bench.value("m1.RBV"), bench.value("m1.DRBV"), bench.value("m1.OFF")) == (10.0, 10.0, 0.0)


async def test_an_offset_shifts_positions_and_limits_together(bench):
    assert await bench.put("m1.OFF", 100.0)
    assert (bench.value("m1.RBV"), bench.value("m1.VAL")) == (167.0, 167.0)
    assert (bench.value("m1.LLM"), bench.value("m1.HLM")) == (101.0, 167.0)
    assert (bench.value("m1.DLLM"), bench.value("m1.DHLM")) == (1.0, 67.0)


async def test_a_negative_direction_turns_the_scale_round(bench):
    assert await bench.put("m1.FOFF", "Frozen")
    assert await bench.put("m1.DIR", "Neg")
    assert (bench.value("m1.RBV"), bench.value("m1.DRBV")) == (-67.0, 67.0)
    assert (bench.value("m1.LLM"), bench.value("m1.HLM")) == (-67.0, -1.0)
    assert await bench.put("m1.VAL", -10.0)
    assert bench.value("m1.DRBV") == 10.0
    assert await bench.put("m1.HLM", -5.0)
    assert bench.value("m1.DLLM") == 5.0


async def test_limits_are_the_control_limits_of_the_setpoint(bench):
    assert await bench.put("m1.HLM", 60.0)
    assert await bench.put("m1.LLM", 20.0)
    response = await (await bench.pv("m1.VAL")).read(data_type="control")
    assert (response.metadata.lower_ctrl_limit, response.metadata.upper_ctrl_limit) == (20.0, 60.0)
    assert (bench.value("m1.DLLM"), bench.value("m1.DHLM")) == (20.0, 60.0)
    result = await bench.command("m1.VAL", 19.9, "m1:")
    assert result["error"] == "linear stage: 19.9 is not valid; it must be in [20, 60] mm"


@pytest.mark.parametrize("button", ["HOMF", "HOMR"])
async def test_homing_finds_the_mark(bench, button):
    assert await bench.put(f"m1.{button}", 1)
    assert (bench.value("m1.RBV"), bench.value("m1.VAL"), bench.value("m1.ATHM")) == (0.0, 0.0, 1)
    assert bench.value(f"m1.{button}") == 0
    assert int(bench.value("m1.MSTA")) & 0x4000  # homed
    assert int(bench.value("m1.MSTA")) & 0x80  # at home
    assert await bench.put("m1.VAL", 1.0)
    assert bench.value("m1.ATHM") == 0


async def test_status_bits_tell_motion_and_direction(bench):
    move = await set_out(bench)
    assert int(bench.value("m1.MSTA")) & 0x402 == 0x400  # moving, not done
    assert bench.value("m1.TDIR") == 0
    await move
    assert int(bench.value("m1.MSTA")) & 0x402 == 0x2


async def test_a_jog_goes_on_until_it_is_let_go(bench):
    assert await bench.put("m1.JVEL", 0.5)
    jog = asyncio.ensure_future(bench.put("m1.JOGR", 1))
    await moving(bench)
    assert (bench.value("m1.JOGR"), bench.value("m1.DMOV"), bench.value("m1.MIP")) == (1, 0, 2)
    pv = await bench.pv("m1.JOGR")  # one channel holds one put at a time, so this one asks for no callback
    await pv.write(data=[0], wait=False)
    assert await jog
    assert (bench.value("m1.JOGR"), bench.value("m1.DMOV"), bench.value("m1.LVIO")) == (0, 1, 0)
    assert 1.0 < bench.value("m1.RBV") == bench.value("m1.VAL")


async def test_a_jog_ends_at_the_limit(bench):
    assert await bench.put("m1.JOGR", 1)
    assert (bench.value("m1.JOGR"), bench.value("m1.RBV"), bench.value("m1.VAL")) == (0, 1.0, 1.0)
    assert bench.value("m1.LVIO") == 1
    assert not await bench.put("m1.JOGR", 1)
    assert await bench.put("m1.VAL", 2.0)
    assert bench.value("m1.LVIO") == 0


async def test_speed_decides_how_long_a_move_takes(open_bench):
    async with open_bench(LinearStage, speed=20) as bench:
        assert await bench.put("m1.VELO", 1.0)
        start = bench.ioc.clock.now()
        assert await bench.put("m1.VAL", 57.0)
        took = bench.ioc.clock.now() - start
    assert 10.2 <= took < 16  # 10 mm at 1 mm/s, one ramp, and the host


@pytest.mark.parametrize("field", ["RBV", "DMOV", "MSTA", "HLS", "VERS", "LVIO", "ATHM"])
async def test_readbacks_cannot_be_put(bench, field):
    assert not await bench.put(f"m1.{field}", 1)


async def test_the_scale_may_change_while_the_axis_goes_on_to_its_place(bench):
    assert await bench.put("m1.VELO", 0.2)  # mm/s, so that a busy host finds it on its way
    move = asyncio.ensure_future(bench.put("m1.VAL", 60.0))
    await moving(bench)
    assert await bench.put("m1.OFF", 5.0)
    assert bench.value("m1.VAL") == 65.0
    assert await bench.put("m1.SET", "Set")
    assert not await bench.put("m1.DVAL", 0.0)  # but where it is cannot be said while it is not there
    assert await bench.put("m1.SET", "Use")
    assert await move
    assert (bench.value("m1.RBV"), bench.value("m1.DRBV")) == (65.0, 60.0)
