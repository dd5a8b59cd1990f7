"""Parameters by name: puts to `ParName` and `ParValue` reach the records that hold them, with all their checks.

A client puts a name, then reads `ParValue_RBV`, or puts a value. The name is remembered per circuit, so that two
clients cannot set each other's parameters; the readback says the name it speaks for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from caproto import ChannelType

from iocs.binding import on_put
from iocs.camera.parameter_table import NO_MEANING, PARAMETERS, Parameter
from iocs.records.kinds import Array, Enumeration, Number, strings
from iocs.wire.client import Client, Refused

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["ParameterRecords", "parameter_names"]


class ParameterRecords:
    """The part of the detector IOC that serves parameters by name."""

    if TYPE_CHECKING:

        def __getitem__(self, name: str) -> Record: ...

    @on_put("cam1:ParName")
    async def _put_par_name(self, value: str, client: Client) -> None:
        _, name = _known(value)
        self._names_of_clients()[client.address] = name
        await self._show_parameter(name)

    @on_put("cam1:ParValue")
    async def _put_par_value(self, value: str, client: Client) -> None:
        name = self._names_of_clients().get(client.address)
        if name is None:
            raise Refused("ParValue: put ParName first, over the same circuit")
        parameter, _ = _known(name)
        if not parameter.is_settable:
            raise Refused(f"parameter {name}: it is read-only, {parameter.record} says it")
        record = self[parameter.record]
        try:
            await record.put(*_for_wire(name, parameter, record, value), client)
        except Refused as refusal:
            raise Refused(f"parameter {name}: {refusal.reason}") from refusal
        await self._show_parameter(name)

    def forget_parameter(self, client: Client) -> None:
        """Forget the name a client put: it is gone."""
        self._names_of_clients().pop(client.address, None)

    def _names_of_clients(self) -> dict[tuple[str, int], str]:
        return self.__dict__.setdefault("_parameter_names", {})

    async def _show_parameter(self, name: str) -> None:
        parameter = PARAMETERS[name]
        record = self[parameter.record if parameter.element is None else f"{parameter.record}_RBV"]
        shown = {"name": name, "value": _presented(parameter, record)}
        await self["cam1:ParValue_RBV"].write(json.dumps(shown, ensure_ascii=False))


def parameter_names() -> str:
    """Return every parameter with its record and whether it can be set, as JSON."""
    return json.dumps({name: [p.record, p.is_settable] for name, p in PARAMETERS.items()})


def _known(text: str) -> tuple[Parameter, str]:
    name = text.strip().lower()
    if name in NO_MEANING:
        raise Refused(f"parameter {name}: it means nothing here; {NO_MEANING[name]}")
    if name not in PARAMETERS:
        raise Refused(f"parameter {text.strip()!r} is not known; ParNames_RBV lists those there are")
    return PARAMETERS[name], name


def _presented(parameter: Parameter, record: Record) -> Any:
    value = record.value
    if parameter.element is not None:
        return int(value[parameter.element])
    if parameter.is_truth:
        return int(bool(record.stored))
    if parameter.is_number:
        return record.index
    return value.tolist() if isinstance(value, np.ndarray) else value


def _for_wire(name: str, parameter: Parameter, record: Record, text: str) -> tuple[Any, ChannelType]:
    """Return a value as a client of the record would send it; Refused if it is of another type."""
    value = _parsed(text)
    if isinstance(record.kind, (Array, Number)):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Refused(f"{text!r} is no number")
        if parameter.element is not None:
            numbers = np.full(record.max_length, -1.0)
            numbers[parameter.element] = value
            return numbers, ChannelType.DOUBLE
        return np.array([value], dtype=np.float64), ChannelType.DOUBLE
    if isinstance(record.kind, Enumeration):
        if isinstance(value, bool) or (isinstance(value, int) and not parameter.is_number):
            raise Refused(f"{text!r} is not one of {', '.join(record.kind.states)}")
        states = {state.lower(): state for state in record.kind.states}
        state = record.kind.states[value] if isinstance(value, int) and 0 <= value < len(states) else str(value)
        return strings(states.get(state.lower(), state)), ChannelType.STRING
    return np.frombuffer((value if isinstance(value, str) else text).encode() + b"\0", dtype=np.uint8), ChannelType.CHAR


def _parsed(text: str) -> Any:
    """Return the JSON value a text is, the text itself if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text
