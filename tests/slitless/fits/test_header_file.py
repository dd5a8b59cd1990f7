"""Header files: taken as a whole, with the types their values have, or not at all."""

import pytest

from slitless.fits.header_file import HeaderFileWrong, OwnCard, parse_header_file


@pytest.mark.parametrize(
    ("line", "card"),
    [
        ("PROPOSAL P124 / id", OwnCard("PROPOSAL", "P124", "id")),
        ("number -5", OwnCard("NUMBER", -5)),
        ("WIDTH 1.5e3 / pixel", OwnCard("WIDTH", 1500.0, "pixel")),
        ("GOOD T", OwnCard("GOOD", True)),
        ("LINK http://x.org/a/b / where", OwnCard("LINK", "http://x.org/a/b", "where")),
        ("WHO 'A / B' / two", OwnCard("WHO", "A / B", "two")),
        ('WHO "12"', OwnCard("WHO", "12")),
        ("EMPTY ''", OwnCard("EMPTY", "")),
        ("WORD nan", OwnCard("WORD", "nan")),
        ("PLACE naïve = # 'quoted", OwnCard("PLACE", "naïve = # 'quoted")),
    ],
)
def test_a_line_becomes_a_keyword(line, card):
    (found,) = parse_header_file(f"# comment\n\n{line}\n")
    assert found == card
    assert type(found.value) is type(card.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("GOOD 1\nEMPTY\n", "line 2: EMPTY has no value"),
        ("EMPTY / comment", "no value"),
        ("NAXIS3 4", "by the system"),
        ("CHECKSUM x", "by the system"),
        ("OBSID x", "by the system"),
        ("DATASEC x", "by the system"),
        ("TOOLONGNAME 1", "1 to 8"),
        ("A.B 1", "1 to 8"),
        ("A 1\na 2", "twice"),
        ("A 1 / größe", "printable ASCII"),
        ("A 1 / " + "x" * 80, "longer than 80"),
        ("\n".join(f"K{n} 1" for n in range(201)), "201 keywords"),
    ],
)
def test_a_file_with_anything_wrong_is_refused_with_the_reason(text, why):
    with pytest.raises(HeaderFileWrong, match=why):
        parse_header_file(text)
