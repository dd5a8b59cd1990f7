"""Interlocks: no mechanism moves in an exposure, in another client's sequence, or when the camera is unknown."""

from __future__ import annotations

import pytest

from iocs.filter_wheel import FilterWheel
from iocs.ioc import Ioc, TemplateUse
from iocs.linear_stage import LinearStage
from iocs.shutter import Shutter
from iocs.telescope import Telescope

CAMERA_RECORDS = """
record(bi, "$(P)cam1:OpticsLocked_RBV") { field(ZNAM, "No") field(ONAM, "Yes") field(VAL, "0") }
record(waveform, "$(P)cam1:SequenceOwner_RBV") { field(FTVL, "CHAR") field(NELM, "256") field(PINI, "YES") }
"""
MOTIONS = [
    pytest.param(FilterWheel, "Slot", 1, "", id="wheel"),
    pytest.param(FilterWheel, "Home", 1, "", id="wheel home"),
    pytest.param(LinearStage, "m1.VAL", 66.0, "m1:", id="stage"),
    pytest.param(LinearStage, "m1.HOMR", 1, "m1:", id="stage home"),
    pytest.param(LinearStage, "m1.JOGR", 1, "m1:", id="stage jog"),
    pytest.param(LinearStage, "Home", 1, "m1:", id="stage home button"),
    pytest.param(Telescope, "Declination", -60.0, "", id="telescope"),
    pytest.param(Telescope, "focus.VAL", 0.1, "focus:", id="focus"),
    pytest.param(Shutter, "Expose", 0.5, "", id="shutter"),
]
LOCKED = "CAM:cam1:OpticsLocked_RBV"
OWNER = "CAM:cam1:SequenceOwner_RBV"


class Camera(Ioc):
    """What mechanisms see of a camera."""

    device = "CAM"
    template = ""

    @classmethod
    def templates(cls, instrument):
        return [TemplateUse(cls.template, {}), TemplateUse("command.template", {"R": "cam1:"})]


@pytest.fixture
async def camera(open_bench, tmp_path, monkeypatch):
    path = tmp_path / "camera.template"
    path.write_text(CAMERA_RECORDS)
    monkeypatch.setattr(Camera, "template", str(path))
    async with open_bench(Camera, enable=False, port=1) as bench:
        yield bench


async def known(bench, suffix, value):
    await bench.ioc.watch(suffix).until(lambda seen: seen == value, 5)


@pytest.mark.parametrize(("cls", "name", "value", "group"), MOTIONS)
async def test_nothing_moves_while_the_camera_is_unknown(open_bench, system_prefix, cls, name, value, group):
    async with open_bench(cls, interlock=True) as bench:
        result = await bench.command(name, value, group)
        assert result["status"] == "Error"
        assert f"{system_prefix}{LOCKED} is not connected" in result["error"]


@pytest.mark.parametrize(("cls", "name", "value", "group"), MOTIONS)
async def test_nothing_moves_in_an_exposure(open_bench, camera, system_prefix, cls, name, value, group):
    async with open_bench(cls, interlock=True, speed=500) as bench:
        await known(bench, OWNER, "")
        await camera.ioc["cam1:OpticsLocked_RBV"].write("Yes")
        await known(bench, LOCKED, "Yes")
        result = await bench.command(name, value, group)
        assert result["status"] == "Error"
        assert f"{system_prefix}{LOCKED} is Yes" in result["error"]
        await camera.ioc["cam1:OpticsLocked_RBV"].write("No")
        await known(bench, LOCKED, "No")
        assert (await bench.command(name, value, group))["status"] == "Done"


@pytest.mark.parametrize(("cls", "name", "value", "group"), MOTIONS)
async def test_only_the_owner_moves_things_in_a_sequence(open_bench, camera, cls, name, value, group):
    async with open_bench(cls, interlock=True, speed=500) as bench:
        await known(bench, LOCKED, "No")
        await camera.ioc["cam1:SequenceOwner_RBV"].write("1234abcd alice take_object")
        await known(bench, OWNER, "1234abcd alice take_object")
        result = await bench.command(name, value, group, client_id="0badcafe")
        assert result["status"] == "Error"
        assert "claimed by 1234abcd alice take_object" in result["error"]
        assert not await bench.put(name, value)
        assert (await bench.command(name, value, group, client_id="1234abcd"))["status"] == "Done"


@pytest.mark.parametrize(
    ("cls", "name", "value", "group"), [motion for motion in MOTIONS if motion.id in ("focus", "shutter")]
)
async def test_the_camera_itself_moves_focus_and_shutter_in_its_exposure(open_bench, camera, cls, name, value, group):
    async with open_bench(cls, interlock=True, speed=20) as bench:
        await camera.ioc["cam1:OpticsLocked_RBV"].write("Yes")
        await camera.ioc["cam1:SequenceOwner_RBV"].write("1234abcd alice")
        await known(bench, LOCKED, "Yes")
        assert (await bench.command(name, value, group, client_id="camera"))["status"] == "Done"


async def test_the_camera_may_not_move_the_wheel_in_an_exposure(open_bench, camera):
    async with open_bench(FilterWheel, interlock=True) as bench:
        await camera.ioc["cam1:OpticsLocked_RBV"].write("Yes")
        await known(bench, LOCKED, "Yes")
        assert (await bench.command("Slot", 1, client_id="camera"))["status"] == "Error"


async def test_the_shutter_can_always_be_closed(open_bench, camera):
    async with open_bench(Shutter, interlock=True) as bench:
        await camera.ioc["cam1:SequenceOwner_RBV"].write("1234abcd alice")
        await camera.ioc["cam1:OpticsLocked_RBV"].write("Yes")
        await known(bench, LOCKED, "Yes")
        exposure = await bench.begin("Expose", 1000.0, client_id="camera")
        await bench.until("State_RBV", lambda state: state == "Open")
        assert (await bench.command("Command", "Close"))["status"] == "Done"
        assert (await exposure)["status"] == "Done"


async def test_stop_is_never_refused(open_bench, camera):
    async with open_bench(FilterWheel, interlock=True, speed=5) as bench:
        await known(bench, LOCKED, "No")
        await known(bench, OWNER, "")
        selection = await bench.begin("Slot", 2)
        await bench.until("Moving", lambda moving: moving == "Yes")
        await camera.ioc["cam1:SequenceOwner_RBV"].write("1234abcd alice")
        assert await bench.put("Stop", 1)
        assert "stopped" in (await selection)["error"]


async def test_on_a_bench_without_interlock_things_move_without_a_camera(open_bench):
    async with open_bench(FilterWheel, interlock=False) as bench:
        assert (await bench.command("Slot", 1))["status"] == "Done"
