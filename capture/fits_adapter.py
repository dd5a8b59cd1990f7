"""Tiled reads our FITS files: one array [frame, row, column] over the files of a run.

`FitsSequenceAdapter` serves it: each frame assembled in detector orientation, overscan trimmed, read
from its file when it is asked for and not before. `FitsConsolidator` registers the files from event-model
documents, one asset a frame. Any Tiled server reads our frames with

.. code-block:: yaml

    adapters_by_mimetype:
      multipart/related;type=application/fits: capture.fits_adapter:FitsSequenceAdapter

Importing this module imports Tiled, which takes seconds.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from bluesky_tiled_plugins.writing.consolidators import CONSOLIDATOR_REGISTRY, ConsolidatorBase, Patch
from event_model.documents import EventDescriptor, StreamDatum, StreamResource
from numpy.typing import NDArray
from tiled.adapters.sequence import FileSequenceAdapter
from tiled.structures.data_source import Asset
from tiled.utils import path_from_uri

from slitless.fits.frame_file import read_frame
from slitless.fits.hdus import FrameUnreadable

__all__ = ["FITS_SEQUENCE", "FRAME_SPEC", "FitsConsolidator", "FitsSequenceAdapter", "register_consolidator"]

FRAME_SPEC = "SLITLESS_FITS"
"""`spec` of the Resource documents that our detector emits."""
FITS_SEQUENCE = "multipart/related;type=application/fits"


class FitsSequenceAdapter(FileSequenceAdapter):
    """The frames of a run as one array of shape (frames, rows, columns), int32, ADU."""

    def _read_one(self, filepath: Any) -> NDArray[np.int32]:
        image = read_frame(Path(filepath)).image()
        structure = getattr(self, "_structure", None)  # not there yet while the base class finds it out from a frame
        if structure is not None and image.shape != tuple(structure.shape[1:]):
            raise FrameUnreadable(f"{filepath}: is {image.shape} pixels, and its run says {structure.shape[1:]}")
        return np.ascontiguousarray(image, dtype="<i4")

    def _load_from_files(
        self,
        slice: builtins.slice | int | Iterable[int] = builtins.slice(None),  # noqa: B008 (Tiled's signature)
    ) -> NDArray[np.int32]:
        if isinstance(slice, int):
            chosen = [self.filepaths[slice]]
        elif isinstance(slice, builtins.slice):
            chosen = list(self.filepaths[slice])
        else:
            chosen = [self.filepaths[index] for index in slice]
        if not chosen:
            return np.empty((0, *self._structure.shape[1:]), dtype="<i4")
        return np.stack([self._read_one(path) for path in chosen])


class FitsConsolidator(ConsolidatorBase):
    """Turns the Resource and Datum documents of a run into one array node with an asset a frame."""

    supported_mimetypes = {FITS_SEQUENCE}
    join_method = "concat"  # [1, rows, columns] an event become [frames, rows, columns]

    def __init__(self, stream_resource: StreamResource, descriptor: EventDescriptor) -> None:
        super().__init__(stream_resource, descriptor)
        self.assets.clear()
        self.chunk_shape = (1,)
        self.metadata["frames"] = []

    def update_from_stream_resource(self, stream_resource: StreamResource) -> None:
        """Take the next file; its frame follows in a stream datum."""
        self.uri = stream_resource["uri"]

    def consume_stream_datum(self, doc: StreamDatum) -> Patch:
        """Add the frame that stands in the latest file."""
        patch = super().consume_stream_datum(doc)
        self.assets.append(
            Asset(data_uri=self.uri, is_directory=False, parameter=self.default_asset_role, num=len(self.assets))
        )
        self.metadata["frames"].append(path_from_uri(self.uri).name)
        return patch


def register_consolidator() -> None:
    """Let `TiledWriter` in this process know our files."""
    CONSOLIDATOR_REGISTRY[FITS_SEQUENCE] = FitsConsolidator
