"""Bytes reach the disk in order, whatever the file system can do."""

import errno
import fcntl
import os
import threading

import numpy as np
import pytest

from slitless.fits import disk
from slitless.fits.disk import ALIGNMENT, BUFFER, DirectFile

BYTES = np.random.default_rng(4).integers(0, 256, 3 * BUFFER + 12_345, dtype=np.uint8).tobytes()


@pytest.fixture
def file(tmp_path):
    with open(tmp_path / "file", "w+b") as opened:
        yield opened


def write(file, pieces):
    with DirectFile(file.fileno()) as direct:
        for piece in pieces:
            direct.write(piece)
        return direct.finish()


def content(file):
    with open(file.name, "rb") as opened:
        return opened.read()


@pytest.mark.parametrize("size", [0, 1, ALIGNMENT, ALIGNMENT + 1, BUFFER, BUFFER + 1, 2 * BUFFER, len(BYTES)])
def test_a_file_holds_what_was_written_and_no_more(file, size):
    assert write(file, [BYTES[:size]]) == size
    assert content(file) == BYTES[:size]


@pytest.mark.parametrize("piece", [2880, 1_000_003, BUFFER])
def test_pieces_of_any_size_are_put_together(file, piece):
    write(file, [BYTES[n : n + piece] for n in range(0, len(BYTES), piece)])
    assert content(file) == BYTES


def test_writes_that_take_only_a_part_are_gone_on_with(file, monkeypatch):
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, offset: pwrite(descriptor, data[:1_000_000], offset))
    write(file, [BYTES])
    assert content(file) == BYTES


def test_a_file_system_without_direct_writing_gets_the_same_bytes(file, monkeypatch):
    def refuse(descriptor, command, *argument):
        if command == fcntl.F_SETFL:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return real(descriptor, command, *argument)

    real = fcntl.fcntl
    monkeypatch.setattr(disk.fcntl, "fcntl", refuse)
    write(file, [BYTES])
    assert content(file) == BYTES


def test_a_file_system_that_takes_the_flag_but_no_direct_bytes_gets_them_through_the_page_cache(file, monkeypatch):
    pwrite = os.pwrite

    def refuse(descriptor, data, offset):
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", refuse)
    write(file, [BYTES])
    assert content(file) == BYTES


@pytest.mark.parametrize(("result", "code"), [(OSError(errno.EINVAL, "bad"), errno.EINVAL), (0, errno.EIO)])
def test_a_disk_that_takes_nothing_is_an_error_and_no_endless_loop(file, monkeypatch, result, code):
    def refuse(*_):
        if isinstance(result, OSError):
            raise result
        return result

    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(OSError, match=r"bad|nothing was written") as refusal:
        write(file, [b"x"])
    assert refusal.value.errno == code


def test_the_writing_thread_ends_with_the_file_even_after_an_error(file, monkeypatch):
    write(file, [BYTES])
    monkeypatch.setattr(os, "ftruncate", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(file, [BYTES])
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("frame-writer")] == []
