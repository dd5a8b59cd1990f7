import os
import socket
from pathlib import Path

import pytest

from session.ioc_state import IocPlace, IocState
from session.processes import IOCS, IocFleet, free_ports
from slitless.definition import load_instrument
from slitless.errors import InvalidRequest, SlitlessError


def state(pid: int | None) -> IocState:
    return IocState("LATISS:", 20.0, 1.5e9, {"filter": IocPlace(5101, "LATISS:FILTER:", pid)})


def test_state_comes_back_as_written(tmp_path: Path):
    state(os.getpid()).write(tmp_path)
    assert IocState.read(tmp_path) == state(os.getpid())


def test_address_list_names_each_port_once():
    places = {name: IocPlace(5101, f"LATISS:{name}:") for name in ("filter", "grating")}
    assert IocState("LATISS:", 1.0, 0.0, places).address_list == "127.0.0.1:5101"


def test_file_goes_when_nothing_runs(tmp_path: Path):
    state(os.getpid()).write(tmp_path)
    state(None).write(tmp_path)
    assert IocState.read(tmp_path) is None


def test_a_process_that_is_no_ioc_does_not_count_as_alive():
    assert state(1).alive == []


def test_no_iocs_is_one_clear_line(tmp_path: Path):
    with pytest.raises(SlitlessError, match=r"no IOC runs over .*slitless iocs --data"):
        IocState.running(tmp_path)


def test_a_spoilt_file_names_itself(tmp_path: Path):
    (tmp_path / "iocs.json").write_text("{")
    with pytest.raises(SlitlessError, match=r"iocs\.json"):
        IocState.read(tmp_path)


def test_free_ports_are_free_for_tcp_and_udp():
    ports = free_ports(6)
    assert len(set(ports)) == 6
    for port in ports:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as holder:
                holder.bind(("127.0.0.1", port))


def test_an_unknown_ioc_is_refused_by_name(tmp_path: Path):
    with pytest.raises(InvalidRequest, match="'filtr' is not valid; it must be one of detector"):
        IocFleet(load_instrument(), tmp_path, ["filtr"])


def test_every_ioc_of_the_design_is_known():
    assert list(IOCS) == ["detector", "shutter", "filter", "grating", "stage", "telescope"]
