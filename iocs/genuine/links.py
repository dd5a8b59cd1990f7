"""Links that let readbacks follow their settings where no instrument does it."""

from __future__ import annotations

from iocs.records.template import Database

__all__ = ["follow_links"]

INPUT_OF = {
    "ao": "ai",
    "bo": "bi",
    "mbbo": "mbbi",
    "longout": "longin",
    "stringout": "stringin",
    "waveform": "waveform",
}


def follow_links(database: Database) -> str:
    """Return database text that adds to each readback a link to its setting, processed on change.

    Parameters
    ----------
    database : dict of str to RecordDefinition
        All records; a readback is named as its setting with ``_RBV``. One that has a link keeps it.
    """
    lines = []
    for name, definition in database.items():
        readback = database.get(f"{name}_RBV")
        if readback is None or readback.fields.get("INP"):
            continue
        if readback.type == INPUT_OF.get(definition.type):
            lines.append(f'record("*", "{readback.name}") {{ field(INP, "{name} CP") }}\n')
    return "".join(lines)
