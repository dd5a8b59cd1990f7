"""What goes wrong with hardware, and how a simulated one is told to fail."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from slitless.errors import SlitlessError

__all__ = ["FaultInjection", "LinkLost"]


class LinkLost(SlitlessError):
    """The hardware does not answer; the message names it."""


@runtime_checkable
class FaultInjection(Protocol):
    """A driver that can be told to fail: the simulated ones."""

    def inject(self, fault: str) -> None:
        """Fail from now on as `fault` says; ``"None"`` repairs.

        Raises
        ------
        InvalidRequest
            If this hardware cannot fail that way.
        """
        ...
