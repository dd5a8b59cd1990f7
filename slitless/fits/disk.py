"""Writes a file past the page cache, which is the only steady way to durable data at the speed of the disk.

Data are gathered in a ring of aligned buffers and go out on a thread of their own, while the caller makes the next.
Where a file system knows no direct writing, the same path goes through the page cache.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

__all__ = ["DirectFile"]

BUFFER = 4 << 20  # bytes; larger is no faster
BUFFERS = 3  # one being filled, one being written, one between them
ALIGNMENT = 4096  # bytes; no disk asks for more


class DirectFile:
    """A new file under construction; use it as a context, which waits for the disk at its end.

    Parameters
    ----------
    descriptor : int
        An open, empty file; the caller closes it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffers = [memoryview(mmap.mmap(-1, BUFFER)) for _ in range(BUFFERS)]
        self._busy: list[Future[None] | None] = [None] * BUFFERS
        self._current = 0
        self._filled = 0
        self._offset = 0
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="frame-writer")
        _set_direct(descriptor, True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._disk.shutdown(cancel_futures=kind is not None)

    def write(self, data: bytes | memoryview) -> None:
        """Add bytes at the end of the file.

        Raises
        ------
        OSError
            If the disk refused these or earlier bytes.
        """
        taken = 0
        while taken < len(data):
            count = min(len(data) - taken, BUFFER - self._filled)
            self._buffers[self._current][self._filled : self._filled + count] = data[taken : taken + count]
            taken += count
            self._filled += count
            if self._filled == BUFFER:
                self._send(BUFFER)
                self._wait(self._current)

    def finish(self) -> int:
        """Write what is left, make all of it durable, and return the size of the file in bytes.

        Raises
        ------
        OSError
            If the disk refused any of it.
        """
        size = self._offset + self._filled
        if self._filled:
            self._send(-(-self._filled // ALIGNMENT) * ALIGNMENT)
        for number in range(BUFFERS):
            self._wait(number)
        os.ftruncate(self._descriptor, size)
        os.fsync(self._descriptor)
        return size

    def _send(self, count: int) -> None:
        part = self._buffers[self._current][:count]
        self._busy[self._current] = self._disk.submit(_write_at, self._descriptor, part, self._offset)
        self._offset += count
        self._filled = 0
        self._current = (self._current + 1) % BUFFERS

    def _wait(self, number: int) -> None:
        busy, self._busy[number] = self._busy[number], None
        if busy is not None:
            busy.result()


def _write_at(descriptor: int, data: memoryview, offset: int) -> None:
    while data:
        try:
            written = os.pwrite(descriptor, data, offset)
        except OSError as error:
            if error.errno != errno.EINVAL or not _set_direct(descriptor, False):
                raise
            continue  # the file system takes the flag, but not these bytes
        if not written:
            raise OSError(errno.EIO, "nothing was written")
        data, offset = data[written:], offset + written


def _set_direct(descriptor: int, wanted: bool) -> bool:
    """Turn direct writing on or off and return whether that changed anything."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    changed = flags | os.O_DIRECT if wanted else flags & ~os.O_DIRECT
    if changed == flags:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, changed)
    except OSError:
        return False
    return True
