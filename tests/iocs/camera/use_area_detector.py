"""What a Bluesky user does with stock ophyd areaDetector classes; argument: prefix of the camera. JSON on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

from bluesky import RunEngine
from bluesky.plans import count
from ophyd import Component as Cpt
from ophyd import Device
from ophyd.areadetector import SimDetector
from ophyd.areadetector.cam import SimDetectorCam
from ophyd.areadetector.plugins import FilePlugin, ImagePlugin, ROIPlugin, StatsPlugin
from ophyd.areadetector.trigger_mixins import SingleTrigger

FRAMES = 2


class FitsPlugin(FilePlugin):
    """Stock file plugin; ophyd asks which kind of plugin it is."""

    _plugin_type = "NDFileFITS"


class StockDetector(SingleTrigger, SimDetector):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A detector as areaDetector users write it."""

    cam = Cpt(SimDetectorCam, "cam1:")
    image = Cpt(ImagePlugin, "image1:")
    stats = Cpt(StatsPlugin, "Stats1:")
    roi = Cpt(ROIPlugin, "ROI1:")
    fits = Cpt(FitsPlugin, "FITS1:")


def unconnected(device: Device) -> list[str]:
    """Connect every signal of a device; return those that are not there."""
    missing = []
    for walk in device.walk_signals(include_lazy=True):
        try:
            walk.item.wait_for_connection(timeout=5)
        except TimeoutError:
            missing.append(walk.dotted_name)
    return missing


def main(prefix: str) -> None:
    """Connect, count, and tell what came."""
    detector = StockDetector(prefix, name="det")
    found: dict[str, Any] = {"unconnected": unconnected(detector)}
    detector.stats.read_attrs = ["mean_value", "total"]
    detector.read_attrs = ["stats"]
    detector.cam.acquire_time.put(0.0)
    detector.cam.num_images.put(1)
    detector.fits.file_path.put("")
    found["asyn ports"] = {asyn.port_name.get(): asyn.nd_array_port.get() for asyn in (detector.stats, detector.fits)}
    documents: list[tuple[str, dict[str, Any]]] = []
    engine = RunEngine()
    readables: list[Any] = [detector]
    engine(count(readables, num=FRAMES), lambda name, doc: documents.append((name, dict(doc))))
    found["documents"] = [name for name, _ in documents]
    found["means"] = [doc["data"]["det_stats_mean_value"] for name, doc in documents if name == "event"]
    found["exit"] = documents[-1][1]["exit_status"]
    found["counter"] = detector.cam.array_counter.get()
    found["acquire"] = detector.cam.acquire.get()
    found["image"] = [int(size) for size in detector.image.array_size.get()]
    found["pixels"] = len(detector.image.array_data.get())
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
