"""The documents that say where a frame lies: one Resource and one Datum a file."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import Any

__all__ = ["FrameDocuments", "frame_documents", "relative"]


@dataclass(frozen=True)
class FrameDocuments:
    """Resource and Datum of one frame."""

    resource: dict[str, Any]
    datum: dict[str, Any]

    @property
    def datum_id(self) -> str:
        """What an event holds in place of the pixels."""
        return self.datum["datum_id"]


def frame_documents(path: str, root: str) -> FrameDocuments:
    """Return the documents of the frame at `path`, below the data root."""
    uid = str(uuid.uuid4())
    resource = {
        "uid": uid,
        "spec": "SLITLESS_FITS",
        "root": root,
        "resource_path": relative(path, root),
        "resource_kwargs": {},
        "path_semantics": "posix",
    }
    return FrameDocuments(resource, {"datum_id": f"{uid}/0", "resource": uid, "datum_kwargs": {}})


def relative(path: str, root: str) -> str:
    """Return `path` relative to the data root; unchanged if either is unknown."""
    return os.path.relpath(path, root) if path and root else path
