"""Plugins serve every record that ADCore's templates declare."""

from __future__ import annotations

from pathlib import Path

import pytest

TEMPLATES = {
    "image1:": ("NDArrayBase", "NDPluginBase", "NDStdArrays"),
    "Stats1:": ("NDArrayBase", "NDPluginBase", "NDStats"),
    "Stats1:TS:": ("NDTimeSeries",),
    "ROI1:": ("NDArrayBase", "NDPluginBase", "NDROI"),
    "FITS1:": ("NDArrayBase", "NDPluginBase"),
}


def declared():
    """Names by template."""
    names: dict[str, list[str]] = {}
    template: list[str] = []
    for line in (Path(__file__).parent / "adcore_records.txt").read_text().splitlines():
        if line.endswith(":"):
            names[line.rstrip(":")] = template = []
        elif not line.startswith("#"):
            template += line.split()
    return names


@pytest.mark.parametrize("prefix", TEMPLATES)
async def test_every_record_of_adcore_is_there(bench, prefix):
    names = [name for template in TEMPLATES[prefix] for name in declared()[template]]
    assert len(names) > 10
    assert [name for name in names if prefix + name not in bench.ioc.records] == []


async def test_readbacks_are_read_only(bench):
    for prefix in ("image1:", "Stats1:", "ROI1:"):
        own = {name.removeprefix(prefix): r for name, r in bench.ioc.records.items() if name.startswith(prefix)}
        assert [name for name, record in own.items() if name.endswith("_RBV") and not record.is_read_only] == []
