"""Scripts written for the LATISS class of ts_observatory_control run here: ``from scripting import LATISS``."""

from scripting.camera_exposure import CameraExposure
from scripting.domain import Domain
from scripting.latiss import LATISS
from scripting.roi import ROI, ROICommon, ROISpec
from scripting.states import State
from scripting.usages import LATISSUsages

__all__ = ["LATISS", "ROI", "CameraExposure", "Domain", "LATISSUsages", "ROICommon", "ROISpec", "State"]
