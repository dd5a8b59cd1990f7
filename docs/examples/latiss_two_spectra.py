"""Two spectra by a script written for LATISS: ``slitless iocs`` in one terminal, this in another."""

import asyncio

from scripting import LATISS  # was: from lsst.ts.observatory.control.auxtel import LATISS


async def observe() -> list[int]:
    """Take two frames through a filter and a grating."""
    async with LATISS() as latiss:
        await latiss.assert_all_enabled()
        return await latiss.take_object(
            exptime=0.5, n=2, filter="SDSSr_65mm", grating="holo4_003", linear_stage=67, program="demo"
        )


if __name__ == "__main__":
    print(*asyncio.run(observe()))
