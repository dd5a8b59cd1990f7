"""Text comes back from a header exactly as it was given."""

from typing import Any

import fitsio
import pytest
from astropy.io import fits
from hypothesis import example, given
from hypothesis import strategies as st

from slitless.fits.cards import card_image
from slitless.fits.text import decode_text, encode_text

ANY_TEXT = st.text(st.characters(), max_size=1000)
RECORD_TEXT = st.from_regex(r"[a-z_.]{1,3}[:.]{1,2} {0,2}[0-9.eE+-]{1,5} {0,2}", fullmatch=True)
AWKWARD_TEXT = st.text(st.sampled_from("'& \\nx/\n\"é=😀"), min_size=50, max_size=300)


@given(ANY_TEXT)
def test_any_text_survives_the_escape(text):
    assert decode_text(encode_text(text)) == text


@given(ANY_TEXT)
def test_an_escaped_text_is_printable_ascii(text):
    assert all(" " <= c <= "~" for c in encode_text(text))


@pytest.mark.parametrize("text", ["", "HD 131586", "a,b:c='d' \"e\" #1 /x", "2024-06-25T01:26:31.895#1", "B&W"])
def test_plain_ascii_is_written_as_it_is(text):
    assert encode_text(text) == text


@pytest.mark.parametrize("text", [r"C:\new", r"a\z", "\\", r"\U99999999"])
def test_a_backslash_that_starts_no_escape_stays_when_read(text):
    assert decode_text(encode_text(text)) == text
    assert decode_text(r"a\z \q \U99999999") == r"a\z \q \U99999999"


@given(ANY_TEXT | AWKWARD_TEXT | RECORD_TEXT)
@example("'" * 300)
@example("&" * 300)
@example("a" * 66 + "'" * 3)
@example("a" * 67 + "'")
@example("a" * 68)
@example(" " * 200)
@example("x" * 67 + " " * 100 + "y")
@example("a" * 1000 + "&  ")
@example("'/")
@example("the dogs'  / the cats'/")
@example("seeing: 1.2")
@example("x.y.1:   -1.2e-3")
@example("a: 5 ")
@example("a: 5 / b: 6")
@example("T")
@example("3.14")
def test_any_text_survives_a_header(text):
    block = fits.Header.fromstring(card_image("OBSANNOT", text, "Note of the observer")).tostring()
    assert len(block) % 2880 == 0
    value: Any = fits.Header.fromstring(block)["OBSANNOT"]
    assert decode_text(value) == text


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1000,
        "'" * 300,
        "&" * 300,
        "'&" * 200,
        "a" * 66 + "'''b",
        "ß\n" * 200,
        "it's\n" * 100 + "  ",
        "seeing: 1.2",
        "a' / b",
        "",
    ],
)
def test_cfitsio_reads_the_same_text(tmp_path, text):
    path = tmp_path / "text.fits"
    fits.PrimaryHDU(header=fits.Header.fromstring(card_image("OBSANNOT", text))).writeto(path)
    assert decode_text(fitsio.read_header(str(path))["OBSANNOT"] or "") == text
