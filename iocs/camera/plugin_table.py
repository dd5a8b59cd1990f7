"""The plugins of the camera: what each is, and which records it has beside those of every plugin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iocs.area_detector.chain import Chain
from iocs.area_detector.file_plugin import FilePlugin
from iocs.area_detector.plugin import Plugin
from iocs.area_detector.roi import RoiPlugin
from iocs.area_detector.stats import StatsPlugin
from iocs.area_detector.std_arrays import StdArraysPlugin

if TYPE_CHECKING:
    from iocs.records.record import Record

__all__ = ["PLUGINS", "PLUGIN_TABLE", "PluginEntry", "make_chain"]


@dataclass(frozen=True)
class PluginEntry:
    """One plugin."""

    prefix: str
    kind: type[Plugin]
    type_name: str
    """What areaDetector clients look for in ``PluginType_RBV``."""
    template: str

    @property
    def port(self) -> str:
        """Name of its port."""
        return self.prefix.rstrip(":").upper()


PLUGIN_TABLE = (
    PluginEntry("image1:", StdArraysPlugin, "NDPluginStdArrays", "image_plugin.template"),
    PluginEntry("Stats1:", StatsPlugin, "NDPluginStats", "stats_plugin.template"),
    PluginEntry("ROI1:", RoiPlugin, "NDPluginROI", "roi_plugin.template"),
    PluginEntry("FITS1:", FilePlugin, "NDFileFITS", "fits_plugin.template"),
)
PLUGINS = tuple(entry.prefix for entry in PLUGIN_TABLE)


def make_chain(record: Callable[[str], Record]) -> Chain:
    """Return the camera's plugins, each with its behaviour bound to its records.

    Parameters
    ----------
    record : callable
        Returns a record of the IOC by its name, e.g. ``Stats1:MeanValue_RBV``.
    """
    chain = Chain(record)
    for entry in PLUGIN_TABLE:
        entry.kind(entry.prefix, chain)
    return chain
