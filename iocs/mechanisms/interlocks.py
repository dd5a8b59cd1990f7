"""Interlocks: what the camera is doing decides whether a mechanism may move.

Watched on the camera's IOC: `CAM:cam1:OpticsLocked_RBV`, 1 from the reservation of a light frame until its
shutter is confirmed closed, and `CAM:cam1:SequenceOwner_RBV`, who holds the instrument for a sequence; on the
shutter's IOC: `SHUTTER:State_RBV`. What is not connected is unknown, and unknown refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from iocs.command import current_command_id
from iocs.wire.client import Refused

if TYPE_CHECKING:
    from iocs.ioc import Ioc

__all__ = ["CAMERA", "Interlocks"]

CAMERA = "camera"
"""Client part of the command ids that the camera's own IOC uses."""
OPTICS_LOCKED = "CAM:cam1:OpticsLocked_RBV"
SEQUENCE_OWNER = "CAM:cam1:SequenceOwner_RBV"
SHUTTER_STATE = "SHUTTER:State_RBV"


class Interlocks:
    """What stands between a command and a motion.

    Parameters
    ----------
    ioc : Ioc
        Whose Channel Access client is used.
    active : bool
        False for a mechanism on a bench, where there is no camera: nothing is refused.
    """

    def __init__(self, ioc: Ioc, active: bool = True) -> None:
        self._system = ioc.setup.system
        self.active = active
        if active:
            self._locked = ioc.watch(OPTICS_LOCKED)
            self._owner = ioc.watch(SEQUENCE_OWNER)
            self._shutter = ioc.watch(SHUTTER_STATE)

    @staticmethod
    def is_camera() -> bool:
        """Whether the command that runs came from the camera's IOC."""
        return _client_part() == CAMERA

    def check(self, what: str, camera_may: bool = False) -> None:
        """Refuse a motion that would spoil an exposure or another client's sequence.

        Parameters
        ----------
        what : str
            What would move, for the message: "filter wheel".
        camera_may : bool
            Whether the camera itself is exempt: it moves the shutter, and the focus of a focus frame.

        Raises
        ------
        Refused
            Naming the PV and what it says.
        """
        if not self.active or (camera_may and self.is_camera()):
            return
        self.check_optics(what)
        self._check_owner(what)

    def check_optics(self, what: str) -> None:
        """Refuse what would spoil an exposure; as `check`, without asking whose sequence it is."""
        if not self.active:
            return
        name = self._system + OPTICS_LOCKED
        if not self._locked.known:
            raise Refused(f"{what}: {name} is not connected, so an exposure may be under way")
        if self._locked.value not in ("No", 0):
            state = self._shutter.value if self._shutter.known else "unknown"
            raise Refused(f"{what}: {name} is {self._locked.value}: an exposure is under way, the shutter is {state}")

    def _check_owner(self, what: str) -> None:
        name = self._system + SEQUENCE_OWNER
        if not self._owner.known:
            raise Refused(f"{what}: {name} is not connected, so another client may be observing")
        owner = str(self._owner.value).strip()
        if owner and owner.split()[0] != _client_part():
            raise Refused(f"{what}: {name}: the instrument is claimed by {owner}")


def _client_part() -> str:
    """Return the client part of the id of the command that runs: what stands before the colon."""
    return current_command_id.get().partition(":")[0]
