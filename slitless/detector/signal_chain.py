"""The electronics behind one amplifier: from electrons in a bin to numbers."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

from slitless.definition import Instrument
from slitless.detector.geometry import AmplifierReadout

__all__ = ["CROSSTALK", "SignalChain"]

CROSSTALK = 1.5e-4  # of the neighbour amplifier's signal; LATISS measures 1e-4 to 2.2e-4 [obs_lsst policy/latiss]


class SignalChain(NamedTuple):
    """What one amplifier does to the charge of a pixel as read, which may be a bin of several."""

    gain: float
    """e-/ADU."""
    read_noise: float
    """e- rms."""
    bias: float
    """ADU."""
    full_well: float
    """e-, of all pixels of the bin together."""
    pixel_limit: float
    """e- that one pixel may be expected to hold: far enough above its full well to be clipped for sure."""
    ceiling: float
    """ADU where the amplifier or the converter clips."""
    crosstalk: float
    """Fraction of the signal an adjacent amplifier reads at the same moment."""

    @classmethod
    def of(cls, instrument: Instrument, readout: AmplifierReadout) -> Self:
        """Return the chain of one amplifier for the binning it reads with.

        The amplifier saturates `saturation` above its bias; the converter ends at 2^bits - 1.
        """
        amplifier, detector = readout.amplifier, instrument.detector
        return cls(
            gain=amplifier.gain,
            read_noise=amplifier.read_noise,
            bias=amplifier.bias,
            full_well=amplifier.full_well * readout.column_binning * readout.row_binning,
            pixel_limit=amplifier.full_well + 8 * math.sqrt(amplifier.full_well),
            ceiling=min(amplifier.bias + detector.saturation, 2.0**detector.adc_bits - 1),
            crosstalk=CROSSTALK,
        )
