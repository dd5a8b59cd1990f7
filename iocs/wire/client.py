"""Who puts to a record, and what a refused put says."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Client", "Curtailed", "Refused"]


class Refused(Exception):
    """A put that is not carried out: the old value and its alarm stay, the client is told so.

    Parameters
    ----------
    reason : str
        Why, in words an observer understands, with value, bound and unit.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Curtailed(Refused):
    """What a put began was ended early by another put, a stop for one: it did not do what was asked.

    The command protocol reports an error. The put-callback ends as for an EPICS record: the record has done with it.
    """


@dataclass(frozen=True)
class Client:
    """The other end of one Channel Access circuit."""

    address: tuple[str, int]
    """Host and port; no two live circuits share them."""
    user: str = ""
    """As the client says; not proved."""
    host: str = ""
    """As the client says; not proved."""

    def __str__(self) -> str:
        return f"{self.user or 'unknown'}@{self.host or self.address[0]}:{self.address[1]}"
