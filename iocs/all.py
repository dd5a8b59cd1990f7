"""All IOCs of an instrument in one process, on one port; `python -m iocs.all`.

One crash then stops them all, so a process each is the rule (`slitless iocs`); this is for small hosts and tests.
"""

from __future__ import annotations

import sys

from iocs.contract import ioc_classes
from iocs.launch import run

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run every IOC until a signal ends them; returns the exit status."""
    return run(ioc_classes(), argv)


if __name__ == "__main__":
    sys.exit(main())
