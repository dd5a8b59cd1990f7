"""Access security: the same file lets the same client do the same in a genuine IOC and in ours."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from iocs.filter_wheel import FilterWheel
from iocs.genuine.process import genuine_ioc
from iocs.ioc import Ioc, IocSetup, TemplateUse
from iocs.launch import serve
from iocs.records.access import AccessFileError, read_access_file
from slitless.definition import load_instrument
from slitless.instrument_time import InstrumentClock

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "docs" / "examples" / "access-security.acf"
GROUPS = ("", "MINE", "OTHERS", "HERE", "ELSEWHERE", "VALUE", "SECRET", "EMPTY", "BOTH", "UNKNOWN")
FILE = """
# who
UAG(me) {{{user}, "somebody"}}
UAG(others) {{nobody_else}}
HAG(here) {{{host}}}
HAG(elsewhere) {{mars}}
ASG(DEFAULT) {{ RULE(1, READ) }}
ASG(MINE) {{ RULE(1, READ) RULE(1, WRITE, TRAPWRITE) {{ UAG(me) }} }}
ASG(OTHERS) {{ RULE(1, READ) RULE(1, WRITE) {{ UAG(others) }} }}
ASG(HERE) {{ RULE(1, WRITE) {{ HAG(here, elsewhere) }} }}
ASG(ELSEWHERE) {{ RULE(1, WRITE) {{ UAG(me) HAG(elsewhere) }} }}
ASG(VALUE) {{ RULE(1, READ) RULE(0, WRITE) }}
ASG(SECRET) {{ RULE(1, NONE) }}
ASG(EMPTY)
ASG(BOTH) {{ RULE(0, WRITE) {{ UAG(me, others) }} RULE(1, WRITE) {{ HAG(elsewhere) }} }}
"""


class Guarded(Ioc):
    device = "GUARD"
    template = Path()

    @classmethod
    def templates(cls, instrument):
        return [TemplateUse(str(cls.template), {})]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "access.acf"
    path.write_text(FILE.format(user=getpass.getuser(), host=socket.gethostname().upper()))
    return path


async def told_by(port, prefix):
    puts = [[f"{prefix}R{i}{field}", 1.0] for i in range(len(GROUPS)) for field in ("", ".HIGH")]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(HERE / "check_access_with_libca.py")],
        input=json.dumps(puts),
        env={**os.environ, "EPICS_CA_ADDR_LIST": f"127.0.0.1:{port}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    names = [f"{group or 'none'}{field}" for group in GROUPS for field in ("", ".HIGH")]
    return dict(zip(names, json.loads(done.stdout), strict=True))


async def test_rights_puts_gets_and_monitors_are_those_of_a_genuine_ioc(tmp_path, file, ca_ports, system_prefix):
    prefix = f"{system_prefix}GUARD:"
    records = "".join(f'record(ao, "$(P)R{i}") {{ field(VAL, "0") field(ASG, "{g}") }}\n' for i, g in enumerate(GROUPS))
    Guarded.template = tmp_path / "guarded.template"
    Guarded.template.write_text(records)
    (tmp_path / "guarded.db").write_text(records.replace("$(P)", prefix))
    clock = InstrumentClock(time.time)
    setup = IocSetup(load_instrument(), prefix, system_prefix, clock, security=read_access_file(file))
    async with serve([Guarded(setup)], ["127.0.0.1"], ca_ports[0]):
        with genuine_ioc([tmp_path / "guarded.db"], ca_ports[2], "--access-security", str(file)):
            theirs, ours = await asyncio.gather(told_by(ca_ports[2], prefix), told_by(ca_ports[0], prefix))
    assert ours == theirs
    may_all, may_read, may_nothing = [True] * 5, [True, False, False, True, True], [False] * 5
    assert [ours[name] for name in ("MINE", "OTHERS", "HERE", "SECRET", "none")] == [
        may_all, may_read, may_all, may_nothing, may_read,
    ]  # fmt: skip
    assert (ours["VALUE"], ours["VALUE.HIGH"]) == (may_all, may_read)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ASG(DEFAULT) { INPA(X) RULE(1, READ) }", "INPA: rules that depend on PVs are not supported"),
        ('ASG(DEFAULT) { RULE(1, WRITE) { CALC("A=1") } }', "CALC: rules that depend on PVs are not supported"),
        ("\nASG(DEFAULT) { RULE(1, WRITE) { UAG(lost) } }", "2: UAG lost is not defined above"),
        ("ASG(DEFAULT) { RULE(2, WRITE) }", "a level 0 or 1"),
        ("ASG(DEFAULT) { RULE(1, READ)", "found the end"),
        ("GROUP(x)", "'GROUP' is none of UAG, HAG, ASG"),
    ],
)
def test_a_file_that_cannot_be_followed_is_refused_with_its_line(tmp_path, text, complaint):
    path = tmp_path / "bad.acf"
    path.write_text(text)
    with pytest.raises(AccessFileError, match=r"bad\.acf:") as error:
        read_access_file(path)
    assert complaint in str(error.value)


def test_an_ioc_does_not_start_without_the_file_it_is_to_follow(tmp_path):
    command = [sys.executable, "-m", "iocs.shutter", "--list-pvs", "--access-security", str(tmp_path / "none.acf")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "none.acf: No such file" in ended.stderr


def test_the_example_in_the_documentation_can_be_followed():
    security = read_access_file(EXAMPLE)
    assert security.rights("", 0, "observer", "anywhere") == 3
    assert security.rights("", 0, "visitor", "anywhere") == 1
    assert security.rights("", 1, "observer", "anywhere") == 1
    assert security.rights("", 1, "engineer", "anywhere") == 3


@pytest.mark.parametrize(
    ("user", "rights"),
    [
        ("visitor", {"Select": 1, "Stop": 3, "SimFault": 1, "Select.ZRST": 1}),
        ("observer", {"Select": 3, "Stop": 3, "SimFault": 1, "Select.ZRST": 1}),
        ("engineer", {"Select": 3, "Stop": 3, "SimFault": 3, "Select.ZRST": 3}),
    ],
)
async def test_with_the_example_everybody_stops_observers_operate_and_engineers_simulate(system_prefix, user, rights):
    setup = IocSetup(load_instrument(), f"{system_prefix}F:", system_prefix, InstrumentClock(time.time))
    wheel = FilterWheel(replace(setup, security=read_access_file(EXAMPLE)))
    fields = {name: wheel[name.partition(".")[0]].get_field(name.partition(".")[2] or "VAL") for name in rights}
    assert {name: int(field.check_access("here", user)) for name, field in fields.items()} == rights


async def test_sighup_reads_the_file_again_and_tells_clients_at_once(tmp_path, start_ioc, client):
    path = tmp_path / "access.acf"
    path.write_text("ASG(DEFAULT) { RULE(1, READ) }")
    ioc = start_ioc("iocs.filter_wheel", "--enable", "--no-interlock", "--access-security", str(path))
    (slot,) = await client.get_pvs(f"{ioc.prefix}Slot")
    await slot.wait_for_connection(timeout=10)
    told: asyncio.Queue[int] = asyncio.Queue()
    slot.access_rights_callback.add_callback(lambda pv, rights: told.put_nowait(int(rights)), run=True)
    assert await told.get() == 1

    path.write_text("ASG(DEFAULT) { RULE(1, READ) RULE(1, WRITE) }")
    ioc.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(10):
        while await told.get() != 3:
            pass
    path.write_text("ASG(DEFAULT) {")
    ioc.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(10):
        while "who may do what stays as it was" not in ioc.output():
            await asyncio.sleep(0.02)
    assert (await slot.write([2], wait=True, timeout=10)).status.name == "ECA_NORMAL"


async def test_who_may_only_operate_a_motor_may_move_and_stop_it_not_change_its_limits(tmp_path, file, system_prefix):
    Guarded.template = tmp_path / "guarded.template"
    Guarded.template.write_text('record(motor, "$(P)m") { field(HLM, "9") field(ASG, "VALUE") }')
    clock = InstrumentClock(time.time)
    setup = IocSetup(load_instrument(), f"{system_prefix}G:", system_prefix, clock, security=read_access_file(file))
    ioc = Guarded(setup)
    rights = {field: int(ioc[f"m.{field}"].check_access("here", "anybody")) for field in ("VAL", "STOP", "HLM", "VELO")}
    assert rights == {"VAL": 3, "STOP": 3, "HLM": 1, "VELO": 1}
