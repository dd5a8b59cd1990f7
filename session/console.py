"""The prompt: IPython with `RE`, the devices and the plans as plain names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["namespace", "open_console"]

BANNER = """\
Slitless: {prefix} at {addresses}, data in {root}
  RE(take_flats(2.0, 3, filter="SDSSr_65mm"))      three flats
  RE(take_object(30, n_snaps=2, grating="holo4_003"))
  spectrograph.filter.element_name.get()           a readback
  take_<TAB>                                       every plan; help(take_object) tells about one
Ctrl-C pauses at the next frame, twice at once; then RE.resume() or RE.abort().
"""


def namespace(observing: Any) -> dict[str, Any]:
    """Return the names on the prompt: RE, the devices, and every public plan."""
    import plans

    spectrograph = observing.spectrograph
    devices = {
        name: getattr(spectrograph, name)
        for name in ("detector", "shutter", "filter", "grating", "stage", "telescope", "health")
    }
    # `filter` would hide Python's own, and `stage` is a verb of Bluesky
    devices |= {"filter_wheel": devices.pop("filter"), "grating_wheel": devices.pop("grating")}
    devices |= {"linear_stage": devices.pop("stage"), "focus": spectrograph.telescope.focus}
    verbs = {name: getattr(plans, name) for name in plans.__all__}
    return {**verbs, **devices, "RE": observing.RE, "spectrograph": spectrograph}


def open_console(root: Path) -> None:
    """Connect to the IOCs over a data folder and stay at the prompt until the observer leaves.

    Raises
    ------
    SlitlessError
        If no IOC runs over the folder.
    """
    from session.report import FrameLines
    from session.run_engine import OnSignal, connect_observing

    session = connect_observing(root, callbacks=(FrameLines(),), on_signal=OnSignal.PAUSE)
    from IPython import start_ipython
    from traitlets.config import Config

    config = Config()
    config.TerminalInteractiveShell.banner1 = BANNER.format(
        prefix=session.state.prefix, addresses=session.state.address_list, root=session.root
    )
    config.TerminalInteractiveShell.confirm_exit = False
    start_ipython(argv=[], config=config, user_ns=namespace(session))
