"""What the rest of the instrument said when an integration started and when it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iocs.ioc import Ioc
    from iocs.wire.peers import Peer

__all__ = ["HeaderWatch"]


class HeaderWatch:
    """Monitors of the PVs that headers are made from.

    Parameters
    ----------
    ioc : Ioc
        Whose Channel Access client is used.
    suffixes : iterable of str
        PVs to watch, behind the system prefix.
    """

    def __init__(self, ioc: Ioc, suffixes: Iterable[str]) -> None:
        self._peers: Mapping[str, Peer] = {suffix: ioc.watch(suffix) for suffix in suffixes}

    def snapshot(self) -> dict[str, object]:
        """Return the value of each PV now; None where its IOC is not there, or has not said."""
        return {suffix: peer.value if peer.known else None for suffix, peer in self._peers.items()}
