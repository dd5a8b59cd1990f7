import numpy as np
import pytest

from devices.signals import decode, encode


@pytest.mark.parametrize("text", ["", "plain", "café, 'quoted': a\nb", "星 ✨", "a" * 1023])
def test_text_comes_back_as_it_went(text):
    assert decode(encode(text)) == text


def test_text_ends_at_the_first_nul():
    assert decode(np.array([65, 66, 0, 67], dtype=np.uint8)) == "AB"


def test_one_character_that_comes_as_a_scalar_is_text():
    assert decode(65) == "A"


def test_signed_bytes_of_a_client_library_are_text():
    assert decode(np.array(list("é".encode()), dtype=np.uint8).astype(np.int8)) == "é"
