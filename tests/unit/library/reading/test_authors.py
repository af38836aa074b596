"""Names of authors: better none than wrong ones."""

import pytest

from tunedd_api.library.reading.authors import NAME, authors_in, is_name, names_in


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace",
        "J. P. de la Cruz",
        "Nando de Freitas",
        "Kevin R. McKee",
        "Francesco d’Angelo",
        "Min-Yen Kan",
    ],
)
def test_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "Oxford",
        "Deakin University",
        "Cooperative AI Foundation",
        "we study bees",
        "Centre for the Governance",
        "Ada Lovelace Alan Turing Grace Hopper",
        "ada@lovelace.org",
        "",
    ],
)
def test_no_names(text: str) -> None:
    assert not is_name(text)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (
            "Roya Asadi1 , Norwati Mustapha2 , Nasir Sulaiman3",
            ("Roya Asadi", "Norwati Mustapha", "Nasir Sulaiman"),
        ),
        ("Shanshan Han 1 Qifan Zhang 1 Yuhang Yao 2", ("Shanshan Han", "Qifan Zhang", "Yuhang Yao")),
        ("Long Wang1,2 , ∗ Feng Fu3,4 , † and Xingru Chen5‡", ("Long Wang", "Feng Fu", "Xingru Chen")),
        ("Ada Lovelace, Oxford, UK", ()),
        ("Department of Computer Science", ()),
    ],
)
def test_line_of_names_and_marks(line: str, names: tuple[str, ...]) -> None:
    assert names_in(line) == names


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("Ada Lovelace; Alan Turing", ("Ada Lovelace", "Alan Turing")),
        ("Ada Lovelace, Alan Turing and Grace Hopper", ("Ada Lovelace", "Alan Turing", "Grace Hopper")),
        ("Lovelace, Ada", ()),
        ("admin", ()),
        ("", ()),
    ],
)
def test_metadata_field(field: str, names: tuple[str, ...]) -> None:
    assert authors_in(field) == names


def test_rows_of_dots_are_told_from_names_at_once() -> None:
    assert NAME.fullmatch("A.." * 400 + "!") is None
    assert not is_name("Ada Lovelace. " * 1000)
    assert is_name("J. P. de la Cruz")
    assert is_name("Ada B. Lovelace Jr.")
