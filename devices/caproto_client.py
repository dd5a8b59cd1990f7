"""Mends of caproto's Channel Access client, for programs that live longer than the IOCs they talk to.

Seen with caproto 1.3.0: the one thread that turns search replies into connections ends for good when a
connection fails, as it does when an IOC is just starting or just died; from then on nothing connects any more. So does
the one that sends searches, when one cannot be sent.
And after a first search it sends no second one for 7.5 s: each search is due at twice the pause after which it looks.
"""

from __future__ import annotations

import logging
import os
import threading

from caproto.client import common
from caproto.threading.client import Context, SharedBroadcaster

__all__ = ["mend_search", "quiet_after_exit", "search_often"]

logger = logging.getLogger(__name__)

PAUSE = 0.5
"""s between a failed connection and the next search."""

SEARCH_PERIOD = 1.0
"""s between searches for what is not there, at most, in the first minutes."""

_search_results_loop = Context._process_search_results_loop  # noqa: SLF001 there is no public hook
_send_searches = SharedBroadcaster._retry_unanswered_searches  # noqa: SLF001


def mend_search() -> None:
    """Let both search threads survive what fails in them; call this before the first client exists."""
    setattr(Context, "_process_search_results_loop", _keep_searching)  # noqa: B010 a method the class does not offer
    setattr(SharedBroadcaster, "_retry_unanswered_searches", _keep_sending)  # noqa: B010


def search_often() -> None:
    """Look for a lost IOC every second, so that it is found within two of its return; the environment goes before."""
    if "CAPROTO_CLIENT_MAX_RETRY_SEARCHES_INTERVAL_SEC" not in os.environ:
        common.MAX_RETRY_SEARCHES_INTERVAL = SEARCH_PERIOD


def _keep_sending(broadcaster: SharedBroadcaster) -> None:
    closed = broadcaster._close_event  # noqa: SLF001
    while not closed.is_set():
        try:
            _send_searches(broadcaster)
        except Exception as error:
            logger.info("a search could not be sent, trying again: %s", error)
            closed.wait(PAUSE)


def _keep_searching(context: Context) -> None:
    closed = context._close_event  # noqa: SLF001
    while not closed.is_set():
        try:
            _search_results_loop(context)
        except Exception as error:
            logger.info("a connection failed, searching again: %s", error)
            closed.wait(PAUSE)
            with context.pv_cache_lock:
                missing = [key for key, pv in context.pvs.items() if not pv.connected]
            context.reconnect(missing)


class _WhileTheProgramLives(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return threading.main_thread().is_alive()


def quiet_after_exit() -> None:
    """Drop what the client logs once the main thread has ended: IOCs go on publishing, nobody listens."""
    for name in ("caproto", "caproto.circ", "caproto.ch", "caproto.ctx", "caproto.bcast"):
        logging.getLogger(name).addFilter(_WhileTheProgramLives())
