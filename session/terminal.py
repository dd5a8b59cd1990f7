"""What commands print, and how: tables for people, JSON for scripts, one line for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["print_error", "print_json", "say", "say_row", "screen", "table"]

PLAIN_WIDTH = 200  # columns when nobody looks: a pipe should not wrap a table at 80


@cache
def screen() -> Console:
    """Return the console on stdout."""
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(width=width, highlight=False, soft_wrap=not sys.stdout.isatty())


def say(text: str = "", *, style: str | None = None) -> None:
    """Print a line as it is: brackets in it are no markup, and it is not wrapped."""
    screen().print(text, style=style, markup=False, soft_wrap=True)


def say_row(text: str, *, style: str | None = None) -> None:
    """Print a line of a wide table: cut at the edge of a narrow terminal, whole anywhere else."""
    if screen().is_terminal:
        screen().print(text, style=style, markup=False, no_wrap=True, overflow="ellipsis")
    else:
        say(text)


def print_error(text: str) -> None:
    """Print one line on stderr, whatever line breaks the text has."""
    Console(stderr=True, highlight=False).print(
        f"slitless: {' '.join(text.split())}", style="red", markup=False, soft_wrap=True
    )


def print_json(content: Any) -> None:
    """Print something a script reads."""
    sys.stdout.write(json.dumps(content, indent=1, default=str, allow_nan=False) + "\n")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: str | None = None,
    decimals: Mapping[str, int] | None = None,
) -> None:
    """Print a table; numbers stand to the right, what is None is a dash.

    `decimals` says of a column how many its numbers have; others have four digits.
    """
    formats = {columns.index(column): f".{places}f" for column, places in (decimals or {}).items()}
    rows = [list(row) for row in rows]
    drawn = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        is_number = any(isinstance(row[index], int | float) for row in rows)
        drawn.add_column(column, justify="right" if is_number else "left")
    for row in rows:
        drawn.add_row(*(_cell(value, formats.get(index, ".4g")) for index, value in enumerate(row)))
    screen().print(drawn)


def _cell(value: object, float_format: str) -> str:
    if value is None or value == "":
        return "-"
    text = f"{value:{float_format}}" if isinstance(value, float) else str(value)
    return text.replace("[", r"\[")
