"""What is a heading and what is not."""

import pytest

from tunedd_api.library.cutting.headings import REFERENCES_SECTION, heading_of, is_heading, next_section


@pytest.mark.parametrize(
    "text",
    [
        "Abstract",
        "ABSTRACT",
        "1 Introduction",
        "1. Introduction",
        "2.1 Agent Identifiers",
        "3.1.2 Attaching Additional Information to Agent Identifiers",
        "II. RELATED WORKS",
        "IV) CONCLUSIONS AND FUTURE WORK",
        "A. Intelligent Multi Agent Based System",
        "a) Data preprocessing",
        "B.1 Details of Training",
        "Appendix C: More Results",
        "REFERENCES",
    ],
)
def test_headings(text: str) -> None:
    assert is_heading(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2019 was the year in which this began",
        "1 0.35 0.28 0.91",
        "3 of the 5 agents failed, which is",
        "A Survey on Context-Aware Multi-Agent Systems: Techniques, Challenges and",
        "I think that this holds in most cases where",
        "12. J. Wei, X. Wang, D. Schuurmans et al. Chain of Thought, 2022.",
        "1. We collect the data from three sources and then clean them.",
        "abstract",
        "2 x = y + 1",
    ],
)
def test_no_headings(text: str) -> None:
    assert not is_heading(text)


@pytest.mark.parametrize(
    ("paragraph", "heading"),
    [
        ("Abstract—Intelligent multi agent systems have great potentials", "Abstract"),
        ("1.1.5 Sub-Agents. Agents could instantiate more agents", "1.1.5 Sub-Agents"),
        ("Keywords: bees, honey", "Keywords"),
        ("2 Methods\nWe did this.", "2 Methods"),
        ("Acknowledgements were sent to all.", None),
    ],
)
def test_heading_at_the_start_of_its_paragraph(paragraph: str, heading: str | None) -> None:
    assert heading_of(paragraph) == heading


def test_entries_of_the_references_open_no_sections() -> None:
    assert next_section("6. REFERENCES", None) == REFERENCES_SECTION
    assert next_section("A. Author and B. Writer", REFERENCES_SECTION) is None
    assert next_section("12 Tricks for Training", REFERENCES_SECTION) is None


def test_appendix_ends_the_references() -> None:
    assert next_section("A Implementation Details", REFERENCES_SECTION) == "A Implementation Details"
