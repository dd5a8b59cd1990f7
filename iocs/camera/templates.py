"""Which templates the detector IOC loads, with the macros that belong to the instrument."""

from __future__ import annotations

from iocs.camera.plugins import PREVIEW_FACTOR
from iocs.records.template import TemplateUse
from slitless.definition import Instrument

__all__ = ["detector_templates"]

MAXIMUM_BINNING = 16
PORT = "CCD1"


def detector_templates(instrument: Instrument) -> list[TemplateUse]:
    """Return the records of camera and plugins for this detector."""
    detector = instrument.detector
    size = {"WIDTH": str(detector.width), "HEIGHT": str(detector.height)}
    return [
        TemplateUse("ad_base.template", {"R": "cam1:", **size, **_camera_macros(instrument)}),
        TemplateUse("ccd.template", {"R": "cam1:", "ROWS": str(detector.rows)}),
        TemplateUse("sim_detector.template", {"R": "cam1:"}),
        TemplateUse("command.template", {"R": "cam1:"}),
        *_plugin_templates(size, detector.width, detector.height),
    ]


def _camera_macros(instrument: Instrument) -> dict[str, str]:
    detector = instrument.detector
    low, high = detector.set_point_limits
    cold, warm = detector.temperature_alarm
    return {
        "PORT": PORT,
        "MANUFACTURER": detector.manufacturer,
        "MODEL": detector.model,
        "SERIAL": detector.serial,
        "TMAX": f"{max(instrument.shutter.maximum_exposure, detector.maximum_dark):g}",
        "SETPOINT": f"{detector.set_point:g}",
        "SETLOW": f"{low:g}",
        "SETHIGH": f"{high:g}",
        "COLD": f"{cold:g}",
        "WARM": f"{warm:g}",
        "MAXBIN": str(MAXIMUM_BINNING),
    }


def _plugin_templates(size: dict[str, str], width: int, height: int) -> list[TemplateUse]:
    preview = {"WIDTH": str(width // PREVIEW_FACTOR), "HEIGHT": str(height // PREVIEW_FACTOR)}
    pixels = max((width // PREVIEW_FACTOR) * (height // PREVIEW_FACTOR), PREVIEW_FACTOR * max(width, height))
    uses = []
    for plugin, kind, template, extra in (
        ("image1:", "NDPluginStdArrays", "image_plugin.template", {**preview, "NELM": str(pixels)}),
        ("Stats1:", "NDPluginStats", "stats_plugin.template", size),
        ("ROI1:", "NDPluginROI", "roi_plugin.template", size),
        ("FITS1:", "NDFileFITS", "fits_plugin.template", size),
    ):
        macros = {"R": plugin, "PORT": plugin.upper().rstrip(":"), "TYPE": kind, "NDPORT": PORT, **extra}
        uses += [TemplateUse("plugin_base.template", macros), TemplateUse(template, macros)]
    return uses
