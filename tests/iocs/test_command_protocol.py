"""The command protocol: the result names the command and comes last; a refused command disturbs no other."""

from __future__ import annotations

import asyncio
import json

import pytest

from iocs.ioc import SummaryState


@pytest.fixture
def trace(demo):
    """Everything the demo IOC publishes from now on, in order: (record, value)."""
    seen: list[tuple[str, object]] = []
    prefix = demo.setup.prefix
    for name, record in demo.records.items():
        original = record.write

        async def write(value, *, _name=name, _original=original, **options):
            await _original(value, **options)
            seen.append((_name.removeprefix(prefix), value))

        record.write = write
    return seen


@pytest.fixture
def command(put):
    """Put an id, then the command, on one circuit; returns the status of the command's put."""

    async def command(name, value, command_id, group=""):
        assert await put(f"{group}CommandId", command_id) == "ECA_NORMAL"
        return await put(name, value)

    return command


def result(demo, group=""):
    return json.loads(demo[f"{group}CommandResult_RBV"].value)


async def test_a_command_is_acknowledged_done_and_its_result_comes_last(demo, trace, command):
    assert await command("Select", "blue", "0a0b0c0d:1") == "ECA_NORMAL"
    wanted = ("CommandAck_RBV", "CommandStatus_RBV", "Name_RBV", "Select", "CommandResult_RBV")
    published = [item for item in trace if item[0] in wanted]
    assert published[:-1] == [
        ("CommandAck_RBV", "0a0b0c0d:1"),
        ("CommandStatus_RBV", "Busy"),
        ("Name_RBV", "blue"),
        ("Select", "blue"),
        ("CommandStatus_RBV", "Done"),
    ]
    assert result(demo) == {"id": "0a0b0c0d:1", "status": "Done", "error": ""}


async def test_a_command_refused_while_another_runs_leaves_that_one_busy(demo, peers, command):
    first = asyncio.create_task(command("Select", "blue", "a:1"))
    await peers.watch(demo.setup.prefix + "CommandStatus_RBV").until(lambda value: value == "Busy", 5)
    assert await command("Select", "green", "b:1") == "ECA_PUTFAIL"
    assert result(demo) == {"id": "b:1", "status": "Error", "error": "Select: it moves already"}
    assert demo["CommandStatus_RBV"].value == "Busy"
    assert demo["CommandAck_RBV"].value == "a:1"
    assert await first == "ECA_NORMAL"
    assert result(demo)["id"] == "a:1"
    assert demo["CommandStatus_RBV"].value == "Done"
    assert demo["Select"].value == "blue"


async def test_a_command_that_fails_on_its_way_ends_with_its_reason(demo, peers, command, put):
    running = asyncio.create_task(command("Select", "blue", "a:1"))
    await peers.watch(demo.setup.prefix + "Moving").until(lambda value: value == "Yes", 5)
    await put("Stop", 1)
    assert await running == "ECA_PUTFAIL"
    assert result(demo) == {"id": "a:1", "status": "Error", "error": "Select: stopped"}
    assert demo["CommandStatus_RBV"].value == "Error"
    assert demo["CommandError_RBV"].value == "Select: stopped"
    assert demo["Select"].value == "red"


async def test_an_id_is_used_once(demo, command, put):
    await command("Select", "blue", "a:1")
    await put("Select", "green")
    assert result(demo)["id"] == ""


async def test_the_id_of_one_client_is_not_used_for_the_command_of_another(demo, peers, put):
    await put("CommandId", "a:1")
    await peers.put(demo.setup.prefix + "Select", "blue", 5)
    assert result(demo)["id"] == ""
    await put("Select", "green")
    assert result(demo)["id"] == "a:1"


async def test_groups_are_apart(demo, command):
    await command("m1.VAL", 3.0, "a:1", group="m1:")
    assert result(demo, "m1:") == {"id": "a:1", "status": "Done", "error": ""}
    assert demo["CommandResult_RBV"].value == ""


async def test_commands_are_refused_unless_enabled_naming_the_state(demo, command, put):
    await put("IOC:StateCommand", "Disable")
    assert await command("Select", "blue", "a:1") == "ECA_PUTFAIL"
    assert "IOC:SummaryState is Disabled" in result(demo)["error"]
    assert demo["Select"].value == "red"


async def test_a_handler_that_breaks_is_an_error_with_its_words(demo, command):
    async def broken(value, **options):
        raise RuntimeError("the wheel fell off")

    demo["Name_RBV"].write = broken
    assert await command("Select", "blue", "a:1") == "ECA_PUTFAIL"
    assert result(demo)["error"] == "RuntimeError: the wheel fell off"
    assert demo.state is SummaryState.ENABLED


async def test_a_reason_however_long_fits_the_result(demo, command):
    async def broken(value, **options):
        raise RuntimeError('"\n\x01' * 2000)

    demo["Name_RBV"].write = broken
    await command("Select", "blue", "a" * 39)
    assert result(demo)["status"] == "Error"


async def test_a_running_command_survives_the_client_that_gave_it(demo, system_prefix, peers, ca_ports):
    from iocs.wire.peers import Peers

    leaving = Peers([("127.0.0.1", ca_ports[0])])
    await leaving.start()
    running = asyncio.create_task(leaving.put(demo.setup.prefix + "Select", "blue", 5))
    await peers.watch(demo.setup.prefix + "Moving").until(lambda value: value == "Yes", 5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await leaving.stop()
    assert await peers.watch(demo.setup.prefix + "Name_RBV").until(lambda value: value == "blue", 5)
    assert [client.user for client in demo.gone] == [demo.gone[0].user]
