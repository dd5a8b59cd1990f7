"""The settings of a motor record and how each follows from the others."""

from __future__ import annotations

import asyncio

import pytest

from iocs.linear_stage import LinearStage


@pytest.fixture
async def bench(open_bench):
    async with open_bench(LinearStage, speed=200) as bench:
        yield bench


def values(bench, *fields):
    return tuple(bench.value(f"m1.{field}") for field in fields)


@pytest.mark.parametrize(
    ("field", "value", "held"),
    [
        ("VELO", 9.0, 5.0), ("JVEL", 9.0, 5.0), ("ACCL", -1.0, 0.1), ("BACC", 0.0, 0.1), ("JAR", 0.0, 50.0),
        ("FRAC", 9.0, 1.5), ("FRAC", 0.0, pytest.approx(0.1)), ("RDBD", 0.0, 0.001), ("ERES", 0.0, 0.001),
        ("TWV", -1.0, 0.0), ("NTMF", 0, 2), ("DLY", -1.0, 0.0),
    ],
)  # fmt: skip
async def test_a_setting_out_of_range_is_brought_into_it_as_the_record_does(bench, field, value, held):
    assert await bench.put(f"m1.{field}", value)
    assert bench.value(f"m1.{field}") == held


@pytest.mark.parametrize(
    ("field", "value"),
    [("VELO", 0.0), ("MRES", 0.0), ("MRES", -0.001), ("URIP", "Yes"), ("OMSL", "closed_loop"), ("OUT", "other")],
)
async def test_what_the_axis_cannot_have_is_refused(bench, field, value):
    before = bench.value(f"m1.{field}")
    assert not await bench.put(f"m1.{field}", value)
    assert bench.value(f"m1.{field}") == before


async def test_speeds_agree_in_both_units_and_follow_their_bounds(bench):
    assert values(bench, "UREV", "S", "SMAX", "ACCS") == (0.2, 25.0, 25.0, 25.0)
    assert await bench.put("m1.S", 10.0)
    assert values(bench, "VELO", "ACCS") == (2.0, 10.0)
    assert await bench.put("m1.ACCS", 4.0)
    assert values(bench, "ACCL") == (0.5,)
    assert await bench.put("m1.VMAX", 1.0)
    assert values(bench, "VELO", "S", "JVEL", "HVEL", "BVEL") == (1.0, 5.0, 1.0, 1.0, 1.0)
    metadata = (await (await bench.pv("m1.VELO")).read(data_type="control")).metadata
    assert metadata.upper_ctrl_limit == 1.0
    assert await bench.put("m1.VBAS", 3.0)
    assert values(bench, "VMAX", "VELO") == (3.0, 3.0)


async def test_a_new_resolution_keeps_places_on_the_dial_and_revolutions(bench):
    assert await bench.put("m1.MRES", 0.002)
    assert values(bench, "DVAL", "DRBV", "RVAL", "RMP") == (67.0, 67.0, 33_500, 33_500)
    assert values(bench, "UREV", "S", "VELO") == (0.4, 25.0, 10.0)
    assert values(bench, "RHLM", "DHLM", "HLM") == (67_000.0, 134.0, 134.0)
    assert await bench.put("m1.UREV", 0.2)
    assert values(bench, "MRES", "VELO", "HLM") == (0.001, 5.0, 67.0)
    assert await bench.put("m1.RVAL", 60_000)
    assert values(bench, "VAL", "RBV") == (60.0, 60.0)


async def test_the_encoder_counts_in_its_own_steps(bench):
    assert await bench.put("m1.ERES", 0.01)
    assert values(bench, "REP", "RRBV", "RMP") == (6700, 6700, 67_000)
    assert await bench.put("m1.UEIP", "No")
    assert values(bench, "REP", "RRBV") == (6700, 67_000)


@pytest.mark.parametrize(
    ("field", "switch", "state"),
    [("SSET", "SET", "Set"), ("SUSE", "SET", "Use"), ("FOF", "FOFF", "Frozen"), ("VOF", "FOFF", "Variable")],
)
async def test_whatever_is_put_to_a_switch_field_sets_the_switch(bench, field, switch, state):
    assert await bench.put(f"m1.{switch}", 1 - int(state in ("Set", "Frozen")))
    assert await bench.put(f"m1.{field}", 0)
    assert bench.value(f"m1.{switch}") == state


@pytest.mark.parametrize(("frozen", "offset", "user"), [("Variable", 57.0, 67.0), ("Frozen", 0.0, 10.0)])
async def test_in_set_mode_a_dial_value_renames_the_place_on_the_dial(bench, frozen, offset, user):
    await bench.record("m1.DMOV")
    assert await bench.put("m1.FOFF", frozen)
    assert await bench.put("m1.SET", "Set")
    assert await bench.put("m1.DVAL", 10.0)
    assert await bench.seen_until("m1.DMOV", 1) == [0, 1]
    assert await bench.put("m1.SET", "Use")
    assert values(bench, "DRBV", "DVAL", "RBV", "VAL", "OFF") == (10.0, 10.0, user, user, offset)


async def test_igset_makes_the_record_move_in_set_mode(bench):
    assert await bench.put("m1.SET", "Set")
    assert await bench.put("m1.IGSET", 1)
    assert await bench.put("m1.VAL", 60.0)
    assert values(bench, "RBV", "OFF") == (60.0, 0.0)


async def test_a_status_update_looks_at_the_axis_and_says_so(bench):
    await bench.record("m1.STUP")
    assert await bench.put("m1.STUP", "ON")
    assert await bench.seen_until("m1.STUP", 0) == [1, 2, 0]


@pytest.mark.parametrize("fault", ["LinkLost", "LostZero"])
async def test_a_fault_shows_in_status_bits_and_alarm(bench, fault):
    assert await bench.put("SimFault", fault)
    assert not await bench.put("m1.STUP", "ON") or fault == "LostZero"
    bits = int(bench.value("m1.MSTA"))
    assert bits & 0x200
    assert bool(bits & 0x1000) is (fault == "LinkLost")
    status = "COMM" if fault == "LinkLost" else "STATE"
    assert (bench.ioc["m1"].status.name, bench.ioc["m1"].severity.name) == (status, "INVALID_ALARM")
    assert bench.value("m1.DMOV") == 1


async def test_interlocks_hold_for_go_after_a_pause(bench, monkeypatch):
    assert await bench.put("m1.SPMG", "Pause")
    put = asyncio.ensure_future(bench.put("m1.VAL", 60.0))
    await bench.until("m1.DMOV", lambda done: done == 0)

    def locked(what):
        from iocs.ioc import Refused

        raise Refused(f"{what}: an exposure is under way")

    monkeypatch.setattr(bench.ioc.interlocks, "check_optics", locked)
    assert not await bench.put("m1.SPMG", "Go")
    assert values(bench, "SPMG", "RBV") == ("Pause", 67.0)
    assert await bench.put("m1.STOP", 1)
    assert await put
