"""A run for one frame that no run tells of: taken without a plan, or its plan was killed before its event."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from event_model import compose_run

from capture.journal import Journal
from slitless.detector.statistics import frame_statistics
from slitless.fits.frame_file import FrameFile, read_frame
from slitless.fits.text import decode_text
from slitless.identifiers import ExposureName

__all__ = ["register_frame"]

METADATA = {
    "image_type": "IMGTYPE",
    "test_type": "TESTTYPE",
    "group_id": "GROUPID",
    "reason": "REASON",
    "program": "PROGRAM",
    "note": "OBSANNOT",
    "object": "OBJECT",
    "observer": "OBSERVER",
    "instrument": "INSTRUME",
    "exposure_time": "EXPTIME",
}
"""Start document key to keyword."""
DATA = {
    "detector_image_type": "IMGTYPE",
    "detector_exposure_time": "EXPTIME",
    "detector_shutter_time": "SHUTTIME",
    "detector_dark_time": "DARKTIME",
    "detector_snap_index": "CURINDEX",
    "detector_snap_count": "MAXINDEX",
    "filter_name": "FILTER",
    "filter_slot": "FILTSLOT",
    "grating_name": "GRATING",
    "grating_slot": "GRATSLOT",
    "stage": "LINSPOS",
    "focus": "FOCUSZ",
    "telescope_right_ascension": "RASTART",
    "telescope_declination": "DECSTART",
    "telescope_airmass": "AMSTART",
}
"""Data key to keyword; keys whose keyword is missing are left out."""
MOMENTS = {"detector_start": "DATE-BEG", "detector_end": "DATE-END"}


def register_frame(root: Path, file: str, at: float) -> str:
    """Write a run of one event for a frame, from its file alone.

    Parameters
    ----------
    root : Path
        Data root.
    file : str
        Path of the frame, relative to it.
    at : float
        Time of the documents, UTC unix s.

    Returns
    -------
    str
        Uid of the run. Its start document has ``recovered: true``.
    """
    frame = read_frame(root / file)
    metadata = {key: text for key, keyword in METADATA.items() if (text := _value(frame, keyword)) is not None}
    run = compose_run(
        metadata={**metadata, "plan_name": "recover", "num_exposures": 1, "recovered": True, "data_root": str(root)},
        time=at,
    )
    data = _data(frame, file)
    rows, columns = frame.image().shape
    resource, datum = _asset(root, file, run.start_doc["uid"])
    keys: dict[str, Any] = {
        key: {"source": f"FITS:{file}", "dtype": _dtype(value), "shape": []} for key, value in data.items()
    }
    keys["detector_image"] = {
        "source": f"FITS:{file}",
        "dtype": "array",
        "dtype_numpy": "<i4",
        "shape": [1, rows, columns],
        "external": "FILESTORE:",
    }
    stream = run.compose_descriptor(name="primary", data_keys=keys, time=at)
    values = {**data, "detector_image": datum["datum_id"]}
    event = stream.compose_event(
        data=values, timestamps=dict.fromkeys(values, at), filled={"detector_image": False}, time=at
    )
    journal = Journal(root)
    try:
        journal("start", run.start_doc)
        journal("descriptor", stream.descriptor_doc)
        journal("resource", resource)
        journal("datum", datum)
        journal("event", event)
        journal("stop", run.compose_stop(reason="registered by recovery from its file", time=at))
    finally:
        journal.close()
    return run.start_doc["uid"]


def _data(frame: FrameFile, file: str) -> dict[str, Any]:
    name = ExposureName.parse(str(frame.header["OBSID"]))
    statistics = frame_statistics(frame.layout, frame.raw)
    data: dict[str, Any] = {
        "detector_obs_id": name.obs_id,
        "detector_exposure_id": name.exposure_id,
        "detector_day_obs": name.day_obs,
        "detector_seq_num": name.seq_num,
        "detector_file": file,
        "detector_mean": statistics.mean,
        "detector_sigma": statistics.sigma,
        "detector_minimum": statistics.minimum,
        "detector_maximum": statistics.maximum,
        "detector_noise": statistics.noise,
    }
    data |= {key: value for key, keyword in DATA.items() if (value := _value(frame, keyword)) is not None}
    data |= {key: _tai(text) for key, keyword in MOMENTS.items() if (text := _value(frame, keyword)) is not None}
    return data


def _value(frame: FrameFile, keyword: str) -> Any:
    value: Any = frame.header.get(keyword)
    return decode_text(value) if isinstance(value, str) else value


def _tai(text: str) -> float:
    """Return TAI unix s of a TAI date in a header."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _dtype(value: object) -> str:
    return "string" if isinstance(value, str) else "integer" if isinstance(value, int) else "number"


def _asset(root: Path, file: str, run: str) -> tuple[dict[str, Any], dict[str, Any]]:
    resource = {
        "uid": str(uuid4()),
        "spec": "SLITLESS_FITS",
        "root": str(root),
        "resource_path": file,
        "resource_kwargs": {},
        "path_semantics": "posix",
        "run_start": run,
    }
    return resource, {"datum_id": f"{resource['uid']}/0", "resource": resource["uid"], "datum_kwargs": {}}
