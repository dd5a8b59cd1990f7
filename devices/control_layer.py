"""Chooses the Channel Access client: caproto's, unless ``OPHYD_CONTROL_LAYER`` says otherwise."""

from __future__ import annotations

import os

__all__ = ["choose_control_layer"]


def choose_control_layer() -> str:
    """Make ophyd use the layer of the environment, caproto if there is none, and return its name.

    ophyd decides when it is first imported, taking whatever is installed; it is made to change its
    mind if that came first.
    """
    name = os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")
    if name == "caproto":
        from devices.caproto_client import mend_search, quiet_after_exit, search_often

        mend_search()
        quiet_after_exit()
        search_often()
    import ophyd

    if ophyd.cl.name != name:
        ophyd.set_cl(name)
    return name
