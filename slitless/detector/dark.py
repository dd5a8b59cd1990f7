"""Dark current: charge that gathers without light."""

from __future__ import annotations

from slitless.definition import Detector

__all__ = ["dark_rate"]


def dark_rate(detector: Detector, temperature_celsius: float) -> float:
    """Return the dark current (e-/pixel/s) at a CCD temperature.

    Notes
    -----
    It doubles every `dark_doubling` degrees, the usual local form of the thermal generation law
    T^1.5 exp(-Eg / 2kT). [Janesick, Scientific Charge-Coupled Devices, 7.1]
    """
    warmer = temperature_celsius - detector.dark_reference
    return detector.dark_current * 2.0 ** (warmer / detector.dark_doubling)
