"""Get everything slow out of the way before the first frame."""

from __future__ import annotations

import logging
import time

import numpy as np

from slitless.definition import Instrument
from slitless.detector.charge import Charge
from slitless.detector.geometry import Window, readout_layout
from slitless.detector.histogram import histogram
from slitless.detector.image import block_mean, image_above_overscan
from slitless.detector.image_statistics import image_statistics
from slitless.detector.moments import image_profiles
from slitless.detector.readout import read_out
from slitless.detector.statistics import frame_statistics
from slitless.optics.blur import PointSpread
from slitless.optics.drawing import draw_points

__all__ = ["warm_up"]

logger = logging.getLogger(__name__)


def warm_up(instrument: Instrument) -> None:
    """Compile, or load from disk, every kernel that a frame of this instrument needs.

    Takes some seconds the first time on a machine, and a fraction of a second once the compiled kernels
    are on disk. Results do not depend on it.
    """
    began = time.perf_counter()
    detector = instrument.detector
    rate = np.ones((detector.height, detector.width), dtype=np.float32)
    rate.setflags(write=False)
    charge = Charge(detector, seed=0)
    charge.expose(rate, 1.0)
    charge.shift_rows(1)
    edge = Window(1, min(16, detector.columns), 1, min(16, detector.rows), 2, 2)
    raw = read_out(instrument, charge, edge, seed=0)
    layout = readout_layout(detector, edge)
    frame_statistics(layout, raw)
    image = image_above_overscan(layout, raw)
    block_mean(image, 2)
    image_statistics(image)
    image_profiles(image, 0.0)
    histogram(image, 2, 0.0, 1.0)
    _warm_up_optics()
    logger.info("kernels ready after %.2f s", time.perf_counter() - began)


def _warm_up_optics() -> None:
    image = np.zeros((32, 32), dtype=np.float32)
    one, here = np.ones(1, dtype=np.float32), np.full(1, 16.0)
    draw_points(image, here, here, one, np.zeros(1, dtype=np.int64), np.zeros(1), np.zeros(1), one[np.newaxis])
    PointSpread(2.0, 0.0, 0.0).blur(image)
