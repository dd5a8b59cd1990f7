"""Lets a program end without complaints of client threads about what still arrives."""

from __future__ import annotations

import logging
import threading

__all__ = ["quiet_after_exit"]


class _WhileTheProgramLives(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return threading.main_thread().is_alive()


def quiet_after_exit() -> None:
    """Drop what caproto's client logs once the main thread has ended: IOCs go on publishing, nobody listens."""
    for name in ("caproto", "caproto.circ", "caproto.ch", "caproto.ctx", "caproto.bcast"):
        logging.getLogger(name).addFilter(_WhileTheProgramLives())
