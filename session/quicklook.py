"""Quick-look pictures: one PNG of a frame, stretched so that faint things show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["quicklook", "stretch"]

SHRINK = 4  # detector pixels along an edge of a picture pixel
SAMPLE = 200_000  # pixels looked at for the stretch


def quicklook(fits_file: Path, folder: Path) -> Path:
    """Write a picture of a frame and return where it is.

    Parameters
    ----------
    fits_file : Path
        A frame as the detector wrote it.
    folder : Path
        Created if missing; the picture is named after the frame and its type.

    Notes
    -----
    The image is assembled, the bias taken off by each amplifier's overscan, and averaged over
    4 x 4 pixels. Axes are detector pixels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from slitless.fits.frame_file import read_frame

    frame = read_frame(fits_file)
    header = frame.header
    image = shrink(np.asarray(frame.image(bias_subtracted=True), dtype=np.float32), SHRINK)
    low, high = stretch(image)
    figure = Figure(figsize=(8, 7.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    width, height = image.shape[1] * SHRINK, image.shape[0] * SHRINK
    drawn = axes.imshow(
        image, origin="lower", cmap="gray", vmin=low, vmax=high, extent=(0.5, width + 0.5, 0.5, height + 0.5)
    )
    figure.colorbar(drawn, ax=axes, shrink=0.8, label="ADU above bias")
    axes.set_xlabel("x (pixel)")
    axes.set_ylabel("y (pixel)")
    axes.set_title(title(header), fontsize=10)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{header['OBSID']}_{header['IMGTYPE']}.png"
    figure.savefig(path)
    return path


def title(header: object) -> str:
    """Return the two lines over a picture: names and type, then time and optics."""
    get = header.get  # pyright: ignore[reportAttributeAccessIssue]
    optics = f"{get('FILTER', '?')} + {get('GRATING', '?')}, stage {get('LINSPOS', '?')} mm"
    return f"{get('OBSID', '')}   {get('IMGTYPE', '')}\n{get('EXPTIME', '?')} s   {optics}"


def shrink(image: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return the image averaged over `factor` x `factor` pixels; rows and columns left over are dropped."""
    rows, columns = image.shape[0] // factor, image.shape[1] // factor
    cut = image[: rows * factor, : columns * factor]
    return cut.reshape(rows, factor, columns, factor).mean(axis=(1, 3))


def stretch(image: NDArray[np.float32]) -> tuple[float, float]:
    """Return the levels (ADU) drawn black and white: IRAF's zscale, never an empty interval."""
    from astropy.visualization import ZScaleInterval

    low, high = ZScaleInterval(n_samples=SAMPLE // 100).get_limits(image)
    if not high > low:
        low, high = float(image.min()), float(image.min()) + 1.0
    return float(low), float(high)
