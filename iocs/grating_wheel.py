"""The grating wheel: `python -m iocs.grating_wheel`, prefix `LATISS:GRATING:`, records of `iocs.mechanisms.wheel`."""

from __future__ import annotations

from iocs.launch import run_ioc
from iocs.mechanisms.wheel import WheelIoc

__all__ = ["GratingWheel", "main"]


class GratingWheel(WheelIoc):
    """The grating wheel."""

    device = "GRATING"
    part = "grating"
    move_fault = 4


def main(argv: list[str] | None = None) -> int:
    """Serve the grating wheel until told to end; return the exit status."""
    return run_ioc(GratingWheel, argv)


if __name__ == "__main__":
    raise SystemExit(main())
