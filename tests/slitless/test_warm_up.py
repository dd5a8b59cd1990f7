from __future__ import annotations

import pytest

from slitless.compiled import HAVE_NUMBA, in_threads
from slitless.detector import charge, readout_compiled, statistics
from slitless.detector.warm_up import warm_up
from slitless.optics import blur, drawing
from slitless.seeding import derive_seed


@pytest.mark.skipif(not HAVE_NUMBA, reason="nothing to compile without numba")
def test_warm_up_leaves_no_kernel_uncompiled(latiss):
    warm_up(latiss)
    kernels = (
        charge._add_layers,
        readout_compiled._digitise,
        statistics._moments,
        blur._multiply,
        drawing._draw,
    )
    assert all(getattr(kernel, "signatures", ()) for kernel in kernels)


def test_work_in_threads_comes_back_in_order():
    assert in_threads(lambda n: n * n, [(n,) for n in range(20)]) == [n * n for n in range(20)]


def test_error_in_a_thread_is_not_lost():
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda n: 1 // n, [(1,), (0,)])


def test_every_purpose_has_its_own_seed():
    seeds = {derive_seed(1, "sky", 1, 23), derive_seed(1, "sky", 12, 3), derive_seed(1, "prnu"), derive_seed(2, "prnu")}
    assert len(seeds) == 4
    assert derive_seed(1, "prnu") == derive_seed(1, "prnu")
