"""Numbers that are asked for are numbers, inside their bounds."""

import numpy as np
import pytest

from slitless.errors import InvalidRequest, require_range, require_whole


@pytest.mark.parametrize("value", [0.5, 1, np.float64(0.5), np.float32(0.5), np.int16(1), np.uint64(1)])
def test_numbers_of_python_and_numpy_are_accepted(value):
    number = require_range("offset", value, 0.0, 1.0, "mm")
    assert type(number) is float
    assert number == value


@pytest.mark.parametrize("value", ["0.5", b"0.5", bytearray(b"0.5"), np.str_("0.5"), True, np.True_, None, [0.5], 1j])
def test_what_is_no_number_is_refused_though_it_may_read_as_one(value):
    with pytest.raises(InvalidRequest, match=r"offset: .*it must be in \[0, 1\] mm, as a number"):
        require_range("offset", value, 0.0, 1.0, "mm")


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), 10**400])
def test_numbers_out_of_bounds_are_refused(value):
    with pytest.raises(InvalidRequest, match=r"it must be in \[0, 1\] mm"):
        require_range("offset", value, 0.0, 1.0, "mm")


@pytest.mark.parametrize("value", [2, np.int32(2), np.uint8(2)])
def test_whole_numbers_of_python_and_numpy_are_accepted(value):
    assert type(require_whole("n", value, 1, 3)) is int


@pytest.mark.parametrize("value", [0, 4, 2.0, np.float64(2.0), "2", True, np.True_, None, [2]])
def test_what_is_no_whole_number_in_bounds_is_refused(value):
    with pytest.raises(InvalidRequest, match=r"n: .*it must be a whole number in \[1, 3\]"):
        require_whole("n", value, 1, 3)
