"""Which templates the detector IOC loads, with the macros that belong to the instrument."""

from __future__ import annotations

from iocs.area_detector.std_arrays import StdArraysPlugin
from iocs.camera.plugin_table import PLUGIN_TABLE
from iocs.records.template import TemplateUse
from slitless.definition import Instrument
from slitless.detector.readout_format import MAXIMUM_OVERSCAN

__all__ = ["detector_templates"]

MAXIMUM_BINNING = 16
PORT = "CCD1"
PIXEL_BYTES = 4
PREVIEW_FACTOR = 8  # pixels averaged along each axis of a whole frame; 509 x 500 of 4072 x 4000


def detector_templates(instrument: Instrument) -> list[TemplateUse]:
    """Return the records of camera and plugins for this detector."""
    detector = instrument.detector
    size = {"WIDTH": str(detector.width), "HEIGHT": str(detector.height)}
    return [
        TemplateUse("ad_base.template", {"R": "cam1:", **size, **_camera_macros(instrument)}),
        TemplateUse("nd_array_base.template", {"R": "cam1:", **size, "BYTES": _bytes(detector.width, detector.height)}),
        TemplateUse("ccd.template", {"R": "cam1:", "ROWS": str(detector.rows)}),
        TemplateUse("ccd_format.template", {"R": "cam1:", **_format_macros(instrument)}),
        TemplateUse("ccd_control.template", {"R": "cam1:", **_dewar_macros(instrument)}),
        TemplateUse("sim_detector.template", {"R": "cam1:"}),
        TemplateUse("command.template", {"R": "cam1:"}),
        *_plugin_templates(detector.width, detector.height),
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
        "OPENS": f"{instrument.shutter.open_time:g}",
        "CLOSES": f"{instrument.shutter.close_time:g}",
    }


def _format_macros(instrument: Instrument) -> dict[str, str]:
    detector = instrument.detector
    return {
        "PRESCAN": str(detector.serial_prescan),
        "OVERSCAN": str(detector.serial_overscan),
        "OVERROWS": str(detector.parallel_overscan),
        "MAXOVERSCAN": str(MAXIMUM_OVERSCAN),
    }


def _dewar_macros(instrument: Instrument) -> dict[str, str]:
    cold, warm = instrument.detector.dewar_alarm
    return {
        "TMAX": _camera_macros(instrument)["TMAX"],
        "DEWAR": f"{instrument.detector.dewar_temperature:g}",
        "DEWARCOLD": f"{cold:g}",
        "DEWARWARM": f"{warm:g}",
    }


def _plugin_templates(width: int, height: int) -> list[TemplateUse]:
    uses = []
    for entry in PLUGIN_TABLE:
        factor = PREVIEW_FACTOR if entry.kind is StdArraysPlugin else 1
        columns, rows = width // factor, height // factor
        macros = {"R": entry.prefix, "PORT": entry.port, "TYPE": entry.type_name, "NDPORT": PORT}
        macros |= {"WIDTH": str(columns), "HEIGHT": str(rows), "BYTES": _bytes(columns, rows)}
        own = {"R": entry.prefix, "WIDTH": str(width), "HEIGHT": str(height)}
        if entry.kind is StdArraysPlugin:
            own = {"R": entry.prefix, "NELM": str(columns * rows), "FACTOR": str(factor)}
        uses += [TemplateUse("plugin_base.template", macros), TemplateUse(entry.template, own)]
    return uses


def _bytes(columns: int, rows: int) -> str:
    return str(PIXEL_BYTES * columns * rows)
