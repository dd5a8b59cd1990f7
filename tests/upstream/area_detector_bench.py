"""A detector IOC with the plugins that ophyd's own area detector tests look for; a bench for these tests only.

It is `iocs.detector` whole, with more plugins beside its own, made from the same templates: `TIFF1:`, `JPEG1:`,
`netCDF1:` and `HDF1:` have the records of every file plugin, and keep any path they are given, but write no file:
no test that runs reads one. `Proc1:`, `Trans1:`, `Over1:`, `CC1:` and `CB1:` have the records of every plugin and
the settings that the tests read. What is claimed by these tests of `cam1:`, `image1:`, `Stats1:` and `ROI1:` is
therefore claimed of the product; what they say of the others is said of their records.
"""

from __future__ import annotations

import os
from pathlib import Path

from iocs.area_detector.plugin import Plugin
from iocs.detector import DetectorIoc
from iocs.launch import run_ioc
from iocs.records.template import TemplateUse

EXTRA = Path(__file__).parent / "extra_plugins"
FILE_PLUGINS = {
    "TIFF1:": ("NDFileTIFF", None),
    "JPEG1:": ("NDFileJPEG", "jpeg"),
    "netCDF1:": ("NDFileNetCDF", None),
    "HDF1:": ("NDFileHDF5 ver1.10.6", "hdf5"),
}
PLUGINS = {
    "Proc1:": ("NDPluginProcess", "process"),
    "Trans1:": ("NDPluginTransform", None),
    "Over1:": ("NDPluginOverlay", None),
    "CC1:": ("NDPluginColorConvert", "color_convert"),
    "CB1:": ("NDPluginCircularBuff", "circular_buffer"),
}


class AreaDetectorBench(DetectorIoc):
    """The detector, with more plugins."""

    device = "CAM"

    @classmethod
    def templates(cls, instrument):
        detector = instrument.detector
        uses = super().templates(instrument)
        for prefix, (kind, extra) in {**FILE_PLUGINS, **PLUGINS}.items():
            size = {"WIDTH": str(detector.width), "HEIGHT": str(detector.height)}
            port = prefix.upper().rstrip(":")
            macros = {"R": prefix, "PORT": port, "TYPE": kind, "NDPORT": "CCD1", "BYTES": "0", **size}
            names = ["plugin_base.template"]
            names += ["fits_plugin.template"] if prefix in FILE_PLUGINS else []
            names += [str(EXTRA / f"{extra}.template")] if extra else []
            uses += [TemplateUse(name, macros) for name in names]
        return uses

    def __init__(self, setup):
        super().__init__(setup)
        for prefix in (*FILE_PLUGINS, *PLUGINS):
            Plugin(prefix, self.chain)
        for prefix in FILE_PLUGINS:
            self[f"{prefix}FilePath"].client_put = self._take_path
            self[f"{prefix}Capture"].client_put = self._take_capture
        self["CB1:Capture"].client_put = self._take_capture
        self["CB1:Trigger"].client_put = self._take_trigger

    async def _take_path(self, record, value, client):
        folder = value if value.endswith("/") else f"{value}/"
        prefix = record.name.removesuffix("FilePath").removeprefix(self.setup.prefix)
        await record.write(folder)
        await self[f"{prefix}FilePath_RBV"].write(folder)
        await self[f"{prefix}FilePathExists_RBV"].write("Yes" if os.path.isdir(folder) else "No")

    async def _take_capture(self, record, value, client):
        await record.write(value)
        prefix = record.name.removeprefix(self.setup.prefix)
        await self[f"{prefix}_RBV"].write("Capturing" if value == "Capture" else "Done")

    async def _take_trigger(self, record, value, client):
        await record.write("Done")


if __name__ == "__main__":
    raise SystemExit(run_ioc(AreaDetectorBench))
