"""Takes frames with ophyd-async's own area detector; arguments: prefix, folder for files. JSON on stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bluesky import RunEngine
from bluesky.plans import count
from ophyd_async.core import StaticFilenameProvider, StaticPathProvider, init_devices
from ophyd_async.epics.adcore import (
    NDROIIO,
    ADMultipartDataLogic,
    ADWriterFactory,
    NDPluginBaseIO,
    NDPluginFileIO,
    NDStatsIO,
    PluginSignalDataLogic,
)
from ophyd_async.epics.adsimdetector import SimDetector

FRAMES = 2


def fits_writer(folder):
    """Return what ophyd-async has for TIFF, for FITS, of its own classes."""
    paths = StaticPathProvider(StaticFilenameProvider("field"), Path(folder))
    return ADWriterFactory(
        writer_cls=NDPluginFileIO,
        writer_suffix="FITS1:",
        writer_name="fits",
        datakey_suffix="",
        array_description=None,
        data_logic_factory=lambda writer, description, driver, plugins: ADMultipartDataLogic(
            array_description=description,
            path_provider=paths,
            writer=writer,
            extension=".fits",
            mimetype="multipart/related;type=application/fits",
        ),
    )


def main(prefix, folder):
    engine = RunEngine()
    documents = []
    with init_devices(timeout=20):
        det = SimDetector(
            f"ca://{prefix}",
            fits_writer(folder),
            plugins={
                "stats": NDStatsIO(f"ca://{prefix}Stats1:"),
                "roi": NDROIIO(f"ca://{prefix}ROI1:"),
                "image": NDPluginBaseIO(f"ca://{prefix}image1:"),
            },
        )
    det.add_detector_logics(PluginSignalDataLogic(det.driver, det.get_plugin("stats", NDStatsIO).total))
    engine(count([det], num=FRAMES), lambda name, doc: documents.append((name, dict(doc))))
    (resource,) = [doc for name, doc in documents if name == "stream_resource"]
    data = [doc for name, doc in documents if name == "stream_datum"]
    sys.stdout.write(
        json.dumps(
            {
                "exit": documents[-1][1]["exit_status"],
                "events": [doc["data"] for name, doc in documents if name == "event"],
                "uri": resource["uri"],
                "template": resource["parameters"]["template"],
                "stop": max(doc["indices"]["stop"] for doc in data),
                "shape": next(doc for name, doc in documents if name == "descriptor")["data_keys"]["det"]["shape"],
            }
        )
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
