"""The filter wheel: `python -m iocs.filter_wheel`, prefix `LATISS:FILTER:`, records of `iocs.mechanisms.wheel`."""

from __future__ import annotations

from iocs.launch import run_ioc
from iocs.mechanisms.wheel import WheelIoc

__all__ = ["FilterWheel", "main"]


class FilterWheel(WheelIoc):
    """The filter wheel."""

    device = "FILTER"
    part = "filter"
    move_fault = 3


def main(argv: list[str] | None = None) -> int:
    """Serve the filter wheel until told to end; return the exit status."""
    return run_ioc(FilterWheel, argv)


if __name__ == "__main__":
    raise SystemExit(main())
