"""Renders the keyword table for the documentation."""

from __future__ import annotations

from slitless.fits.keywords import KEYWORDS, Keyword

__all__ = ["keyword_table_markdown"]

HEAD = (
    "| Keyword | Kind | Unit | Source | Taken | Mandatory for | Plausible | Meaning |",
    "|---|---|---|---|---|---|---|---|",
)


def keyword_table_markdown() -> str:
    """Return the keyword table as a Markdown table, in the order of the header."""
    return "\n".join([*HEAD, *(_row(keyword) for keyword in KEYWORDS)]) + "\n"


def _row(keyword: Keyword) -> str:
    sources = ", ".join(f"`{source.removeprefix('pv:')}`" for source in keyword.source.split("|"))
    plausible = keyword.valid.words() if keyword.valid else ""
    cells = (
        f"`{keyword.name}`",
        keyword.kind,
        keyword.unit,
        sources,
        keyword.phase,
        keyword.mandatory.value,
        plausible,
        keyword.comment,
    )
    return "| " + " | ".join(cells) + " |"
