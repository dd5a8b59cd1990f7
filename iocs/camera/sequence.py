"""Whose turn it is, and which names exposures get.

A client may claim the instrument for a sequence; until it releases it or its circuit closes, nobody else can
start an exposure or change a setting of camera and files. The day of observation is that of the claim, so a
sequence keeps it past noon UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iocs.wire.client import Client, Refused
from slitless.definition import Identifiers
from slitless.identifiers import ExposureName, SequenceRegister, day_obs_at
from slitless.ledger import Ledger

__all__ = ["ClaimDesk", "ExposureNames"]


@dataclass(frozen=True)
class _Claim:
    text: str
    client: Client | None
    day_obs: int

    @property
    def client_id(self) -> str:
        return self.text.split()[0]


class ClaimDesk:
    """Keeps the one claim there can be.

    Parameters
    ----------
    now : callable
        Returns instrument time, TAI unix s.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._claim: _Claim | None = None
        self._orphaned = False
        self._owners: set[Client] = set()

    @property
    def owner(self) -> str:
        """Who holds the claim, in the words it was made with; empty if nobody."""
        return self._claim.text if self._claim else ""

    def claim(self, text: str, client: Client | None) -> str:
        """Claim the instrument: `text` is the client id, then who and what; return the text as kept.

        Raises
        ------
        Refused
            If the text is empty, or another client holds the claim.
        """
        text = text.strip()
        if not text:
            raise Refused("SequenceClaim: it must be a client id, then who and what")
        held = self._claim
        if held and held.client_id != text.split()[0] and held.client != client and not self._orphaned:
            raise Refused(f"SequenceClaim: the instrument is claimed by {held.text}")
        renews = held is not None and held.client_id == text.split()[0]
        day_obs = held.day_obs if held and renews else day_obs_at(self._now())
        self._owners = self._owners if renews else set()
        self._claim, self._orphaned = _Claim(text, client, day_obs), False
        return text

    def release(self, client_id: str) -> None:
        """Give the claim back; harmless when there is none.

        Raises
        ------
        Refused
            If somebody else holds it.
        """
        words = client_id.split()
        if self._claim and (not words or words[0] != self._claim.client_id):
            raise Refused(f"SequenceRelease: the instrument is claimed by {self._claim.text}, not by {client_id!r}")
        self._claim, self._orphaned = None, False

    def client_gone(self, client: Client, exposing: bool) -> bool:
        """Note that a circuit closed; return whether the claim fell. While an exposure runs it only falls after it."""
        self._owners.discard(client)
        if self._claim is None or self._claim.client != client:
            return False
        self._orphaned = True
        return not exposing and self.drop_orphan()

    def drop_orphan(self) -> bool:
        """Let a claim fall whose client is gone; return whether there was one."""
        if not self._orphaned:
            return False
        self._claim, self._orphaned = None, False
        return True

    def check_turn(self, client: Client | None, command_id: str) -> None:
        """Refuse a client that starts an exposure while another holds the claim.

        Raises
        ------
        Refused
            Naming the owner.
        """
        held = self._claim
        if held is None or (client is not None and held.client == client):
            return
        if command_id.partition(":")[0] != held.client_id:
            raise Refused(f"the instrument is claimed by {held.text}")
        if client is not None:
            self._owners.add(client)

    def check_setting(self, client: Client | None) -> None:
        """Refuse a client that changes a setting while another holds the claim.

        A setting carries no command id, so the owner is known by the circuit of the claim, or by one over which a
        command of its own came since.

        Raises
        ------
        Refused
            Naming the owner.
        """
        held = self._claim
        if held is not None and client is not None and client != held.client and client not in self._owners:
            raise Refused(f"the instrument is claimed by {held.text}")

    def day_obs(self) -> int:
        """Day of observation of an exposure that starts now."""
        return self._claim.day_obs if self._claim else day_obs_at(self._now())


class ExposureNames:
    """Gives out exposure names, each durably spent and entered in the ledger before it is used.

    Methods touch the disk: call them on a thread.

    Parameters
    ----------
    identifiers : Identifiers
        What names are built from.
    register : SequenceRegister
        Where sequence numbers come from.
    ledger : Ledger
        Where the fate of exposures is kept.
    """

    def __init__(self, identifiers: Identifiers, register: SequenceRegister, ledger: Ledger) -> None:
        self._identifiers = identifiers
        self._register = register
        self._ledger = ledger

    def next(self, day_obs: int) -> ExposureName:
        """Return the name that the next exposure will get, without spending it."""
        return self._name(day_obs, self._register.last(day_obs) + 1)

    def spend(
        self, day_obs: int, at: float, destination: Callable[[ExposureName], str] | None = None, **facts: object
    ) -> ExposureName:
        """Return a new name; it and its ledger line are on disk, with the file it is for and the facts given.

        Raises
        ------
        IdentifiersExhausted
            If the day has no number left, or the register is damaged.
        OSError
            If the disk does not take it.
        """
        name = self._name(day_obs, self._register.spend(day_obs))
        if destination is not None:
            facts["destination"] = destination(name)
        self._ledger.reserved(name, at, **facts)
        return name

    def _name(self, day_obs: int, seq_num: int) -> ExposureName:
        return ExposureName(self._identifiers.camera_code, self._identifiers.controller, day_obs, seq_num)
