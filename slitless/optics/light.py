"""The light on the detector: what every pixel collects per second for a beam."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from slitless.definition import Instrument
from slitless.optics.beam import Beam
from slitless.optics.blur import PointSpread
from slitless.optics.drawing import draw_points
from slitless.optics.response import pixel_response
from slitless.optics.sky import StarField, pixel_of, sky_electron_rate, stars_around
from slitless.optics.spectrum import traces
from slitless.optics.throughput import lamp_electron_rate

__all__ = ["electron_rate"]

Map = NDArray[np.float32]
KEPT = 3  # maps of 65 MB: a sequence alternates between few beams
FIELD_STOP = 200  # pixel beyond the detector's edges from where light still enters
FAINTEST_DISPERSED = 18.0  # mag: a fainter star's spectrum stays below 0.1 e-/pixel/s

_lock = threading.Lock()
_maps: OrderedDict[tuple[str, str, int], Map] = OrderedDict()


def electron_rate(instrument: Instrument, beam: Beam, seed: int) -> Map:
    """Return the electrons that light makes in every pixel per second.

    Parameters
    ----------
    instrument : Instrument
        Telescope, optics and detector.
    beam : Beam
        What stands in the light path; rounded to what a frame can show.
    seed : int
        Seed of the instrument: its sky and its pixels.

    Returns
    -------
    ndarray, float32, shape (height, width)
        e-/pixel/s in detector orientation, PRNU included. Read-only; the last few are kept.
    """
    beam = beam.rounded()
    key = (instrument.model_dump_json(), repr(beam), seed)  # slots hold tables, so they cannot be hashed
    with _lock:
        if key in _maps:
            _maps.move_to_end(key)
            return _maps[key]
        rate = _electron_rate(instrument, beam, seed)
        rate.setflags(write=False)
        _maps[key] = rate
        while len(_maps) > KEPT:
            _maps.popitem(last=False)
        return rate


def _electron_rate(instrument: Instrument, beam: Beam, seed: int) -> Map:
    detector = instrument.detector
    if beam.source == "dark":
        return np.zeros((detector.height, detector.width), dtype=np.float32)
    response = pixel_response(detector, seed)
    if beam.source == "lamp":
        return response * np.float32(lamp_electron_rate(instrument, beam))
    rate = star_light(instrument, beam, seed)
    np.maximum(rate, 0.0, out=rate)  # the Fourier transform leaves 1e-4 e-/s below zero
    rate += np.float32(sky_electron_rate(instrument, beam))
    rate *= response
    return rate


def _fast(side: int) -> int:
    return int(scipy.fft.next_fast_len(side, real=True) or side)


def field_of_view(instrument: Instrument, beam: Beam, seed: int) -> tuple[StarField, NDArray, NDArray]:
    """Return the stars whose light enters the field stop, and where they land (x, y; pixel, 1-based)."""
    detector = instrument.detector
    radius = math.hypot(detector.width / 2 + FIELD_STOP, detector.height / 2 + FIELD_STOP)
    stars = stars_around(beam.right_ascension, beam.declination, radius * instrument.telescope.plate_scale / 3600, seed)
    x, y = pixel_of(instrument, beam, stars.right_ascension, stars.declination)
    return stars, x, y


def star_light(instrument: Instrument, beam: Beam, seed: int) -> Map:
    """Return the stars and their spectra on a dark sky, e-/pixel/s, before any pixel's own response."""
    detector, spread = instrument.detector, PointSpread.of(instrument, beam)
    stars, x, y = field_of_view(instrument, beam, seed)
    enters = (np.abs(x - detector.width / 2) < detector.width / 2 + FIELD_STOP) & (
        np.abs(y - detector.height / 2) < detector.height / 2 + FIELD_STOP
    )
    margin = spread.reach
    image = np.zeros((_fast(detector.height + 2 * margin), _fast(detector.width + 2 * margin)), dtype=np.float32)
    brightness = (10 ** (-0.4 * stars.magnitude)).astype(np.float32)
    for trace in traces(instrument, beam):
        chosen = enters if trace.order == 0 else enters & (stars.magnitude < FAINTEST_DISPERSED)
        draw_points(
            image,
            x[chosen] - 1 + margin,
            y[chosen] - 1 + margin,
            brightness[chosen],
            stars.temperature[chosen],
            trace.dx,
            trace.dy,
            trace.weight,
        )
    blurred = spread.blur(image)
    return np.ascontiguousarray(blurred[margin : margin + detector.height, margin : margin + detector.width])
