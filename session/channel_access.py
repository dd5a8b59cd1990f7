"""A few PVs read and written at once, for health tables and status pages.

Whoever takes data uses the devices; this is for looking at IOCs without them, quickly.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from time import monotonic
from typing import Any, Self

from slitless.errors import SlitlessError

__all__ = ["ChannelAccess", "use_addresses", "write"]


def use_addresses(address_list: str) -> None:
    """Let Channel Access clients of this process, and those it starts, look at these ``host:port`` and nowhere else."""
    os.environ["EPICS_CA_ADDR_LIST"] = address_list
    os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"


class ChannelAccess:
    """A client that connects on first use and stays connected until closed.

    It looks where `EPICS_CA_ADDR_LIST` says.
    """

    def __init__(self) -> None:
        from caproto.threading.client import Context, SharedBroadcaster

        # no repeater: beacons tell nothing that the searches below do not
        self._broadcaster = SharedBroadcaster(registration_retry_time=None)  # pyright: ignore[reportArgumentType]
        self._context = Context(self._broadcaster)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._context.disconnect()
        self._broadcaster.disconnect()

    def read(self, names: Iterable[str], timeout: float = 2.0) -> dict[str, Any]:
        """Return the value of each PV, enums by their text; None for one that does not answer in `timeout` s."""
        from caproto import CaprotoError, ChannelType

        names = list(names)
        values: dict[str, Any] = dict.fromkeys(names)
        deadline = monotonic() + timeout
        for channel in self._context.get_pvs(*names):
            try:
                channel.wait_for_connection(timeout=max(deadline - monotonic(), 0.01))
                is_enum = channel.channel.native_data_type is ChannelType.ENUM
                answer = channel.read(
                    timeout=max(deadline - monotonic(), 0.5), data_type=ChannelType.STRING if is_enum else None
                )
            except (CaprotoError, TimeoutError):
                continue
            values[channel.name] = _plain(answer)
        return values


def write(name: str, value: object, timeout: float = 5.0) -> None:
    """Put one value, confirmed by its server.

    Raises
    ------
    SlitlessError
        If the PV does not answer in `timeout` s, or refuses.
    """
    from caproto import CaprotoError, ErrorResponseReceived
    from caproto.sync.client import write as put

    try:
        # the client of the class above waits in vain when a put is refused; this one returns the answer
        answer = put(name, value, notify=True, timeout=timeout, repeater=False)
    except ErrorResponseReceived as error:
        raise SlitlessError(f"{name}: {value!r} was refused") from error
    except (CaprotoError, TimeoutError) as error:
        raise SlitlessError(f"{name}: no answer in {timeout:g} s") from error
    if answer is not None and answer.status.name != "ECA_NORMAL":
        raise SlitlessError(f"{name}: {value!r} was refused")


def _plain(answer: Any) -> Any:
    """Return the value of a CA response as Python has it: bytes as text, an array of one as its element."""
    from caproto import ChannelType

    if answer.data_type is ChannelType.CHAR:
        return bytes(answer.data).split(b"\0", 1)[0].decode(errors="replace")
    values = answer.data.tolist() if hasattr(answer.data, "tolist") else list(answer.data)
    plain = [item.decode("latin-1") if isinstance(item, bytes) else item for item in values]
    return plain[0] if len(plain) == 1 else plain
