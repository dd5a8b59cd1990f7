"""What an ophyd user does with stock plugin classes; argument: prefix of the camera. JSON on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from ophyd import Component as Cpt
from ophyd.areadetector import SimDetector
from ophyd.areadetector.cam import SimDetectorCam
from ophyd.areadetector.plugins import (
    ImagePlugin,
    ImagePlugin_V34,
    ROIPlugin,
    ROIPlugin_V34,
    StatsPlugin,
    StatsPlugin_V34,
)
from ophyd.areadetector.trigger_mixins import SingleTrigger

CLASSES = {
    "image1:": (ImagePlugin, ImagePlugin_V34),
    "Stats1:": (StatsPlugin, StatsPlugin_V34),
    "ROI1:": (ROIPlugin, ROIPlugin_V34),
}


class StockDetector(SingleTrigger, SimDetector):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A detector with plugins of either age."""

    cam = Cpt(SimDetectorCam, "cam1:")
    image = Cpt(ImagePlugin, "image1:")
    stats = Cpt(StatsPlugin_V34, "Stats1:")
    roi = Cpt(ROIPlugin_V34, "ROI1:")


def take(detector: StockDetector) -> None:
    """Take a frame."""
    detector.stage()
    detector.trigger().wait(timeout=20)
    detector.unstage()


def region(detector: StockDetector) -> dict[str, Any]:
    """Point statistics and picture to a region, and compare it with the whole frame."""
    for axis, first, size in (("x", 100, 60), ("y", 200, 40)):
        getattr(detector.roi.roi_enable, axis).put("Enable", wait=True)
        getattr(detector.roi.min_xyz, f"min_{axis}").put(first, wait=True)
        getattr(detector.roi.size, axis).put(size, wait=True)
    for plugin in (detector.stats, detector.image):
        plugin.nd_array_port.put("ROI1", wait=True)
    detector.stats.compute_centroid.put("Yes", wait=True)
    take(detector)
    # `image` of the stock class takes a depth of 0, which ADCore gives a flat array, for no pixels.
    rows, columns = (int(size) for size in detector.image.array_size.get()[1:])
    picture = np.asarray(detector.image.array_data.get(), dtype=float).reshape(rows, columns)
    return {
        "shape": list(picture.shape),
        "mean": [float(detector.stats.mean_value.get()), float(picture.mean())],
        "maximum": [float(detector.stats.max_value.get()), float(picture.max())],
        "ports": {plugin.name: plugin.nd_array_port.get() for plugin in (detector.stats, detector.image, detector.roi)},
    }


def main(prefix: str) -> None:
    """Connect everything, and use it."""
    for suffix, classes in CLASSES.items():
        for cls in classes:
            plugin = cls(prefix + suffix, name="plugin")
            plugin.wait_for_connection(all_signals=True, timeout=30)
    detector = StockDetector(prefix, name="det")
    detector.cam.acquire_time.put(0.0)
    found: dict[str, Any] = {"region": region(detector)}
    detector.validate_asyn_ports()
    found["asyn graph"] = sorted([source, port] for source, port in detector.get_asyn_digraph()[0].edges)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
