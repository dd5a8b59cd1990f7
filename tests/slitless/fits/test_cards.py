"""Cards are read back by others as they were meant."""

import warnings
from typing import Any

import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from slitless.fits.cards import card_image

NUMBERS = st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS, st.sampled_from(["LINSPOS", "STUTTER DELAY", "A"]))
def test_a_number_is_read_back_exactly(value, name):
    image = card_image(name, value, "[mm] Comment")
    card: Any = fits.Card.fromstring(image)
    card.verify("exception")
    assert len(image) == 80
    assert (card.keyword, card.value, card.comment) == (name, value, "[mm] Comment")
    assert type(card.value) is type(value)


@pytest.mark.parametrize(
    ("value", "field"), [(1e-07, "1.0E-07"), (1e22, "1.0E+22"), (-0.5, "-0.5"), (3, "3"), (True, "T")]
)
def test_a_number_stands_where_the_standard_wants_it(value, field):
    assert card_image("GAIN", value)[:30] == f"GAIN    = {field:>20}"


@pytest.mark.parametrize("value", [30.0, 12, True, "OBJECT", "AT_O_20240624_000106"])
def test_a_plain_card_is_the_one_astropy_would_write(value):
    assert card_image("KEYWORD", value, "Comment") == str(fits.Card("KEYWORD", value, "Comment"))


def test_a_number_whose_comment_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"GAIN: .* longer than 80"):
        card_image("GAIN", 1.0, "x" * 60)


def test_a_comment_stands_beside_a_text_that_leaves_room():
    assert card_image("FILTER", "SDSSr_65mm", "Filter").rstrip().endswith("/ Filter")
    assert "/" not in card_image("FILTER", "x" * 60, "A comment too long for it")


@given(st.text(max_size=400))
def test_a_text_takes_whole_cards(text):
    image = card_image("OBSANNOT", text)
    assert len(image) % 80 == 0
    assert all(image[n : n + 8] == "CONTINUE" for n in range(80, len(image), 80))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fits.Card.fromstring(image).verify("exception")
