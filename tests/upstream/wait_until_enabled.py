"""Ends when an IOC takes commands; argument: its prefix."""

import asyncio
import sys

from iocs.wire.peers import Peers


async def main(prefix):
    peers = Peers()
    await peers.start()
    await peers.watch(f"{prefix}IOC:SummaryState").until(lambda value: value == "Enabled", 60)
    await peers.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
