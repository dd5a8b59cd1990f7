"""Binds behaviour to records by name: `@on_put("Stop")` and `@command("Select")` on methods of an IOC class."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Binding", "bindings_of", "command", "on_put"]

ATTRIBUTE = "_record_bindings"
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True)
class Binding:
    """A method, and the record whose puts it handles."""

    record: str
    """Name relative to the prefix."""
    method: str
    group: str | None
    """Command group, None for a plain put."""


def on_put(name: str) -> Callable[[Handler], Handler]:
    """Let a method handle every client put to a record.

    The method is ``async def _put_x(self, value, client)``; an enumeration's value comes as the name of its state. It
    runs before the value is stored, and the client's put-callback waits for it. It may return another value to store
    instead, or raise `Refused`.

    Parameters
    ----------
    name : str
        Record, relative to the prefix; a motor field such as ``"m1.STOP"`` too.
    """
    return _mark(name, None)


def command(name: str, group: str = "") -> Callable[[Handler], Handler]:
    """Let a method handle puts to a record as a command: as `on_put`, with the command protocol around it.

    Refused unless the summary state is Enabled. Acknowledgement, status and result appear in ``<group>CommandAck_RBV``
    and its siblings (`db/command.template`), the result after the method returned and the value was stored.

    Parameters
    ----------
    name : str
        Record, relative to the prefix.
    group : str
        Prefix of the command records, relative to the prefix.
    """
    return _mark(name, group)


def _mark(name: str, group: str | None) -> Callable[[Handler], Handler]:
    def mark(method: Handler) -> Handler:
        marks = [*getattr(method, ATTRIBUTE, ()), (name, group)]
        setattr(method, ATTRIBUTE, marks)
        return method

    return mark


def bindings_of(cls: type) -> list[Binding]:
    """Return the bindings of a class and its bases; of a method overridden without a decorator none remain.

    Raises
    ------
    TypeError
        If two methods bind one record.
    """
    found: dict[str, Binding] = {}
    for method in dir(cls):
        for name, group in getattr(getattr(cls, method, None), ATTRIBUTE, ()):
            if name in found:
                raise TypeError(f"{cls.__name__}: {found[name].method} and {method} both handle {name!r}")
            found[name] = Binding(name, method, group)
    return list(found.values())
