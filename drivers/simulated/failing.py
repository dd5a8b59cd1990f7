"""The part of a simulated device that can be told to fail."""

from __future__ import annotations

from drivers.faults import LinkLost
from slitless.errors import choose

__all__ = ["LINK_LOST", "NO_FAULT", "Failing"]

NO_FAULT = "None"
LINK_LOST = "LinkLost"


class Failing:
    """A device with a label and a fault, at first none.

    Parameters
    ----------
    label : str
        What an observer calls the device.
    faults : tuple of str
        The ways it can fail, "None" among them.
    """

    def __init__(self, label: str, faults: tuple[str, ...]) -> None:
        self.label = label
        self.faults = faults
        self.fault = NO_FAULT

    def inject(self, fault: str) -> None:
        """Fail from now on as `fault` says; ``"None"`` repairs.

        Raises
        ------
        InvalidRequest
            If this hardware cannot fail that way.
        """
        self.fault = choose(f"{self.label} fault", fault, self.faults)

    def check_link(self) -> None:
        """Raise `LinkLost` if the link is down."""
        if self.fault == LINK_LOST:
            raise LinkLost(f"{self.label}: the link to the hardware is lost")

    async def connect(self) -> None:
        """Open the link; harmless when it is open."""
        self.check_link()
