"""Takes frames with ophyd's own detector and file store classes; arguments: prefix, folder. JSON on stdout."""

# The stubs of ophyd do not know what its metaclass makes of components, nor mixins of one base.
# pyright: reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false, reportArgumentType=false
# pyright: reportOperatorIssue=false

from __future__ import annotations

import json
import sys
from pathlib import Path

from bluesky import RunEngine
from bluesky.plans import count
from ophyd import Component as Cpt
from ophyd.areadetector import SimDetector
from ophyd.areadetector.cam import SimDetectorCam
from ophyd.areadetector.filestore_mixins import FileStoreIterativeWrite, FileStorePluginBase
from ophyd.areadetector.plugins import FilePlugin, ImagePlugin, ROIPlugin, StatsPlugin
from ophyd.areadetector.trigger_mixins import MultiTrigger, SingleTrigger

FRAMES = 2


class FileStoreFits(FileStorePluginBase):
    """What ophyd has for TIFF, for FITS: one file an array, in any mode."""

    mode = "Single"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.filestore_spec = "AD_FITS"
        self.stage_sigs.update([("file_template", "%s%s_%6.6d.fits"), ("file_write_mode", self.mode)])
        if self.mode != "Single":
            self.stage_sigs.update([("num_capture", FRAMES), ("capture", 1)])

    def get_frames_per_point(self):
        return 1

    def stage(self):
        super().stage()
        self._fn = self._fp
        template, name = self.file_template.get(), self.file_name.get()
        self._generate_resource({"template": template, "filename": name, "frame_per_point": 1})


class FitsFiles(FilePlugin, FileStoreFits, FileStoreIterativeWrite):
    _plugin_type = "NDFileFITS"


def detector(prefix, folder, chosen):
    """Return a detector of stock classes whose files are written in one mode."""

    class Files(FitsFiles):
        mode = chosen

    class Detector(SingleTrigger, SimDetector):
        cam = Cpt(SimDetectorCam, "cam1:")
        image = Cpt(ImagePlugin, "image1:")
        stats = Cpt(StatsPlugin, "Stats1:")
        roi = Cpt(ROIPlugin, "ROI1:")
        fits = Cpt(Files, "FITS1:", write_path_template=folder, root=folder)

    made = Detector(prefix, name="det")
    made.wait_for_connection()
    made.stats.read_attrs = ["mean_value", "total"]
    made.read_attrs = ["stats", "fits"]
    made.fits.read_attrs = []
    return made


def frames_of(prefix, folder, mode):
    """Count with one write mode; return events, and the files that the resources name."""
    documents = []
    found = detector(prefix, folder, mode)
    found.cam.acquire_time.put(0.0)
    found.cam.num_images.put(1)
    RunEngine()(count([found], num=FRAMES), lambda name, doc: documents.append((name, dict(doc))))
    (resource,) = [doc for name, doc in documents if name == "resource"]
    kwargs = resource["resource_kwargs"]
    paths = []
    for point in [doc["datum_kwargs"]["point_number"] for name, doc in documents if name == "datum"]:
        base = str(Path(resource["root"]) / resource["resource_path"]) + "/"
        paths.append(kwargs["template"] % (base, kwargs["filename"], point))
    return {
        "exit": documents[-1][1]["exit_status"],
        "events": [name for name, _ in documents].count("event"),
        "files": {path: Path(path).is_file() for path in paths},
    }


def two_exposures_a_trigger(prefix):
    """Trigger a stock MultiTrigger once; return how many frames it took."""

    class Detector(MultiTrigger, SimDetector):
        cam = Cpt(SimDetectorCam, "cam1:")

    found = Detector(prefix, name="multi", trigger_cycle=[[("short", {}), ("long", {})]])
    found.wait_for_connection()
    found.stage_sigs.update([("cam.num_images", 1)])
    found.generate_datum = lambda *arguments: None
    found.stage()
    before = found.cam.array_counter.get()
    found.trigger().wait(30)
    found.unstage()
    return found.cam.array_counter.get() - before


def main(prefix, folder):
    found = {mode: frames_of(prefix, folder, mode) for mode in ("Single", "Stream", "Capture")}
    found["multi"] = two_exposures_a_trigger(prefix)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
