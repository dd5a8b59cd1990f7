"""Reads EPICS database text: records, fields, aliases, info, include, macros with defaults, substitutions.

What a template says is taken as a genuine IOC would take it: a record declared twice is one record whose later
fields win, and `record("*", name)` adds to a record that must exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

__all__ = ["Database", "RecordDefinition", "TemplateError", "TemplateUse", "expand", "load", "read_substitutions"]

Database = dict[str, "RecordDefinition"]

TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | "(?P<quoted>(?:[^"\\\n]|\\.)*)"
      | (?P<mark>[(){},=])
      | (?P<word>[^\s"(){},=\#]+)""",
    re.VERBOSE,
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'", "0": "\0"}
MACRO_DEPTH = 32  # deeper nesting than anybody writes; a macro that names itself stops here


class TemplateError(ValueError):
    """A template cannot be read; the message names the file, the line and what was expected."""


@dataclass(frozen=True)
class TemplateUse:
    """One template, and the values of its macros."""

    template: str
    """File name in `db`, e.g. ``wheel.template``."""
    macros: dict[str, str]


@dataclass
class RecordDefinition:
    """One record as the database text declares it."""

    type: str
    name: str
    fields: dict[str, str] = field(default_factory=dict)
    info: dict[str, str] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)


def expand(text: str, macros: Mapping[str, str], where: str = "template", depth: int = 0) -> str:
    """Return `text` with ``$(NAME)``, ``${NAME}`` and ``$(NAME=default)`` replaced.

    Raises
    ------
    TemplateError
        If a macro has neither value nor default, or its brackets do not close, or it names itself.
    """
    if depth > MACRO_DEPTH:
        raise TemplateError(f"{where}: a macro names itself: {text[:60]!r}")
    parts: list[str] = []
    at = 0
    while (start := _next_macro(text, at)) >= 0:
        end = _closing(text, start + 1, where)
        name, has_default, default = text[start + 2 : end].partition("=")
        name = expand(name, macros, where, depth + 1).strip()
        if name in macros:
            value = expand(macros[name], {k: v for k, v in macros.items() if k != name}, where, depth + 1)
        elif has_default:
            value = expand(default, macros, where, depth + 1)
        else:
            raise TemplateError(f"{where}: macro {name!r} has no value and no default")
        parts += [text[at:start], value]
        at = end + 1
    return "".join([*parts, text[at:]])


def _next_macro(text: str, at: int) -> int:
    found = [i for i in (text.find("$(", at), text.find("${", at)) if i >= 0]
    return min(found, default=-1)


def _closing(text: str, opening: int, where: str) -> int:
    """Index of the bracket that closes the one at `opening`, brackets inside it counted."""
    open_mark, close_mark = text[opening], {"(": ")", "{": "}"}[text[opening]]
    depth = 0
    for i in range(opening, len(text)):
        depth += (text[i] == open_mark) - (text[i] == close_mark)
        if depth == 0:
            return i
    raise TemplateError(f"{where}: a macro does not close: {text[opening - 1 : opening + 40]!r}")


class _Token(NamedTuple):
    text: str
    quoted: bool
    line: int


def _without_comments(text: str) -> str:
    """Blank out comments, so that a macro named in one needs no value; lines are kept."""
    return re.sub(r'("(?:[^"\\\n]|\\.)*")|#[^\n]*', lambda match: match.group(1) or "", text)


def _tokens(text: str, where: str) -> Iterator[_Token]:
    line, end = 1, 0
    for match in TOKEN.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        kind = match.lastgroup
        if kind == "space":
            line += match.group().count("\n")
        elif kind == "quoted":
            yield _Token(_unescape(match["quoted"]), True, line)
        else:
            yield _Token(match.group(), False, line)
    if end != len(text):
        raise TemplateError(f"{where}:{line}: cannot read {text[end : end + 30]!r}")


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match.group(1), match.group(1)), text)


class _Reader:
    """Walks the tokens of one file."""

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        self._tokens = list(_tokens(text, where))
        self._at = 0

    def fail(self, message: str) -> TemplateError:
        line = self._tokens[min(self._at, len(self._tokens) - 1)].line if self._tokens else 1
        return TemplateError(f"{self.where}:{line}: {message}")

    def peek(self) -> str | None:
        if self._at == len(self._tokens):
            return None
        token = self._tokens[self._at]
        return "quoted" if token.quoted else token.text

    def take(self, expected: str | None = None) -> str:
        if self._at == len(self._tokens):
            raise self.fail(f"the file ends where {expected or 'a word'} was expected")
        token = self._tokens[self._at]
        if expected is not None and (token.quoted or token.text != expected):
            raise self.fail(f"expected {expected!r}, found {token.text!r}")
        if expected is None and not token.quoted and token.text in {"(", ")", "{", "}", ",", "="}:
            raise self.fail(f"expected a word, found {token.text!r}")
        self._at += 1
        return token.text

    def arguments(self) -> list[str]:
        self.take("(")
        found = [self.take()]
        while self.peek() == ",":
            self.take(",")
            found.append(self.take())
        self.take(")")
        return found


def load(uses: Iterable[TemplateUse], folder: Path) -> Database:
    """Read templates, in order, into one database.

    Parameters
    ----------
    uses : iterable of TemplateUse
        Which templates, with which macros.
    folder : Path
        Where templates and the files they include stand.

    Returns
    -------
    dict of str to RecordDefinition
        In the order of first declaration. Aliases stand in the record they name.

    Raises
    ------
    TemplateError
        If a file is missing or cannot be read.
    """
    database: Database = {}
    for use in uses:
        _load_file(folder / use.template, use.macros, database)
    return database


def _load_file(path: Path, macros: Mapping[str, str], database: Database) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TemplateError(f"{path.name}: {error.strerror or error}") from None
    reader = _Reader(expand(_without_comments(text), macros, path.name), path.name)
    while (word := reader.peek()) is not None:
        reader.take()
        if word in ("record", "grecord"):
            _read_record(reader, database)
        elif word == "include":
            _load_file(path.parent / reader.take(), macros, database)
        elif word == "alias":
            record, alias = _exactly(reader, "alias", 2)
            _find(reader, database, record).aliases.append(alias)
        else:
            raise reader.fail(f"{word!r} is no statement; expected record, alias or include")


def _read_record(reader: _Reader, database: Database) -> None:
    record_type, name = _exactly(reader, "record", 2)
    if record_type == "*":
        definition = _find(reader, database, name)
    else:
        definition = database.setdefault(name, RecordDefinition(record_type, name))
        if definition.type != record_type:
            raise reader.fail(f"record {name!r} is a {definition.type} and cannot become a {record_type}")
    if reader.peek() != "{":
        return
    reader.take("{")
    while reader.peek() != "}":
        word = reader.take()
        if word == "field":
            key, value = _exactly(reader, "field", 2)
            definition.fields[key] = value
        elif word == "info":
            key, value = _exactly(reader, "info", 2)
            definition.info[key] = value
        elif word == "alias":
            definition.aliases += _exactly(reader, "alias", 1)
        else:
            raise reader.fail(f"record {name!r}: {word!r} is neither field, info nor alias")
    reader.take("}")


def _exactly(reader: _Reader, what: str, count: int) -> list[str]:
    found = reader.arguments()
    if len(found) != count:
        raise reader.fail(f"{what} takes {count} arguments, found {len(found)}")
    return found


def _find(reader: _Reader, database: Database, name: str) -> RecordDefinition:
    for definition in database.values():
        if name == definition.name or name in definition.aliases:
            return definition
    raise reader.fail(f"record {name!r} is not declared yet")


def read_substitutions(text: str, where: str = "substitutions") -> list[TemplateUse]:
    """Read the text of a substitutions file: ``file x.template { pattern {...} {...} }``, ``global {...}``.

    Raises
    ------
    TemplateError
        If it cannot be read, or a pattern row has another number of values than the pattern.
    """
    reader = _Reader(_without_comments(text), where)
    common: dict[str, str] = {}
    uses: list[TemplateUse] = []
    while (word := reader.peek()) is not None:
        reader.take()
        if word == "global":
            common |= _assignments(reader)
        elif word == "file":
            uses += _read_file_block(reader, common)
        else:
            raise reader.fail(f"expected file or global, found {word!r}")
    return uses


def _read_file_block(reader: _Reader, common: dict[str, str]) -> list[TemplateUse]:
    template = reader.take()
    reader.take("{")
    rows: list[dict[str, str]] = []
    if reader.peek() == "pattern":
        reader.take()
        names = _words(reader)
        while reader.peek() == "{":
            values = _words(reader)
            if len(values) != len(names):
                raise reader.fail(f"{template}: {len(values)} values for {len(names)} macros")
            rows.append(dict(zip(names, values, strict=True)))
    else:
        while reader.peek() == "{":
            rows.append(_assignments(reader))
    reader.take("}")
    return [TemplateUse(template, common | row) for row in rows]


def _words(reader: _Reader) -> list[str]:
    reader.take("{")
    found: list[str] = []
    while reader.peek() != "}":
        if reader.peek() == ",":
            reader.take(",")
            continue
        found.append(reader.take())
    reader.take("}")
    return found


def _assignments(reader: _Reader) -> dict[str, str]:
    reader.take("{")
    found: dict[str, str] = {}
    while reader.peek() != "}":
        if reader.peek() == ",":
            reader.take(",")
            continue
        key = reader.take()
        reader.take("=")
        found[key] = reader.take()
    reader.take("}")
    return found
