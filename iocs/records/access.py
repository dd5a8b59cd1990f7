"""Who may read and write which record: an EPICS access security file, as EPICS base reads it.

User and host are what the client says of itself; this keeps colleagues from mistakes, not enemies from harm.
What a file may hold: https://docs.epics-controls.org/ (Access Security). Rules that depend on PVs (INP, CALC) are
refused when the file is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from caproto import AccessRights

__all__ = ["AccessFileError", "AccessSecurity", "read_access_file"]

NONE, READ, WRITE = AccessRights(0), AccessRights.READ, AccessRights.READ | AccessRights.WRITE
GRANTS = {"NONE": NONE, "READ": READ, "WRITE": WRITE}
DEFAULT = "DEFAULT"
"""Group of the records that name none, or one that is not in the file."""
TOKEN = re.compile(r'\s+|\#[^\n]*|(?P<text>"(?:[^"\\\n]|\\.)*"|[A-Za-z0-9_.:<>/-]+)|(?P<mark>[(){},])')


class AccessFileError(ValueError):
    """The file cannot be used; the message names file, line and what is wrong."""


@dataclass(frozen=True)
class Rule:
    """One rule of a group."""

    level: int
    """Fields up to this level: 0 is the value, 1 every other field."""
    grants: AccessRights
    users: tuple[str, ...] = ()
    """User groups; none is everybody."""
    hosts: tuple[str, ...] = ()
    """Host groups; none is everywhere."""


@dataclass
class AccessSecurity:
    """What a file says."""

    users: dict[str, frozenset[str]] = field(default_factory=dict)
    hosts: dict[str, frozenset[str]] = field(default_factory=dict)
    """In lower case."""
    groups: dict[str, tuple[Rule, ...]] = field(default_factory=dict)

    def rights(self, group: str, level: int, user: str, host: str) -> AccessRights:
        """Return what a client may do: the most that any rule grants.

        Parameters
        ----------
        group : str
            ASG of the record.
        level : int
            0 for the value, 1 for other fields.
        user, host : str
            As the client says.
        """
        granted = NONE
        for rule in self.groups.get(group or DEFAULT, self.groups.get(DEFAULT, ())):
            named = not rule.users or any(user in self.users[name] for name in rule.users)
            placed = not rule.hosts or any(host.lower() in self.hosts[name] for name in rule.hosts)
            if level <= rule.level and named and placed:
                granted |= rule.grants
        return granted


def read_access_file(path: Path) -> AccessSecurity:
    """Read an access security file.

    Raises
    ------
    AccessFileError
        If it cannot be read, names a group that it does not define, or has a rule that depends on PVs.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AccessFileError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    return _Reader(text, path.name).read()


class _Reader:
    def __init__(self, text: str, where: str) -> None:
        self._where = where
        self._line = 1
        self._tokens = self._split(text)
        self._next = next(self._tokens, "")

    def _split(self, text: str) -> Iterator[str]:
        at = 0
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise self._error(f"cannot read {text[at : at + 20]!r}")
            self._line = text.count("\n", 0, at) + 1
            if match["text"] or match["mark"]:
                yield match.group()
            at = match.end()

    def _error(self, message: str) -> AccessFileError:
        return AccessFileError(f"{self._where}:{self._line}: {message}")

    def _take(self, expected: str = "") -> str:
        found = self._next
        if not found or (expected and found != expected):
            raise self._error(f"expected {expected or 'a word'}, found {found or 'the end'}")
        self._next = next(self._tokens, "")
        return found.strip('"')

    def _names(self, opening: str, closing: str) -> list[str]:
        self._take(opening)
        names = []
        while self._next != closing:
            names.append(self._take())
            if self._next == ",":
                self._take(",")
        self._take(closing)
        return names

    def read(self) -> AccessSecurity:
        found = AccessSecurity()
        while self._next:
            kind = self._take()
            if kind not in ("UAG", "HAG", "ASG"):
                raise self._error(f"{kind!r} is none of UAG, HAG, ASG")
            (name,) = self._names("(", ")") or [""]
            if kind == "ASG":
                found.groups[name] = tuple(self._rules(found))
            elif kind == "UAG":
                found.users[name] = frozenset(self._members())
            else:
                found.hosts[name] = frozenset(host.lower() for host in self._members())
        return found

    def _members(self) -> list[str]:
        return self._names("{", "}") if self._next == "{" else []

    def _rules(self, found: AccessSecurity) -> Iterator[Rule]:
        if self._next != "{":
            return
        self._take("{")
        while self._next != "}":
            word = self._take()
            if word != "RULE":
                raise self._error(f"{word}: rules that depend on PVs are not supported")
            level, grants, *_ = [*self._names("(", ")"), "", ""]
            if level not in ("0", "1") or grants not in GRANTS:
                raise self._error(f"RULE({level}, {grants}): a level 0 or 1, then NONE, READ or WRITE")
            yield Rule(int(level), GRANTS[grants], *self._conditions(found))
        self._take("}")

    def _conditions(self, found: AccessSecurity) -> tuple[tuple[str, ...], tuple[str, ...]]:
        users: list[str] = []
        hosts: list[str] = []
        if self._next != "{":
            return (), ()
        self._take("{")
        while self._next != "}":
            word = self._take()
            if word not in ("UAG", "HAG"):
                raise self._error(f"{word}: rules that depend on PVs are not supported")
            names, known = self._names("(", ")"), found.users if word == "UAG" else found.hosts
            if unknown := [name for name in names if name not in known]:
                raise self._error(f"{word} {', '.join(unknown)} is not defined above")
            (users if word == "UAG" else hosts).extend(names)
        self._take("}")
        return tuple(users), tuple(hosts)
