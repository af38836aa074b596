"""
Cuts pages into passages: stretches of a page that end where sentences end and that the embedder reads whole.

What is counted is what is embedded: title and section stand in front of the text. Passages cover every
character of a page that is not a space, keep the order of the text, and end where their page ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tunedd_api.library.cutting.grouping import TARGET_WORDS, Stretch, group
from tunedd_api.library.cutting.headings import next_section
from tunedd_api.library.cutting.measuring import Measure
from tunedd_api.library.cutting.sentences import Span, has_overlong_word, paragraphs, sentences, words
from tunedd_api.library.model import Embedding, Page, Passage

CUT = f"sentences-{TARGET_WORDS}/1"
"""Names the way of reading and cutting; part of an index's stamp. Its number goes up when passages change."""
LONGEST_TITLE = 120
"""Characters of a title that are embedded in front of each passage; the rest would only push out text."""
CHARACTERS_PER_WORD = 10
"""What a part of an overlong word counts as, so that encoded data makes no giant passages."""


def cut(pages: Sequence[Page], embedding: Embedding, *, title: str | None) -> list[Passage]:
    """
    The passages of a document in reading order.

    Raises ValueError if title and section alone fill what the embedder reads.
    """
    measure = Measure(embedding, title_in_front(title))
    passages = [
        Passage(page=page.number, start=start, end=end, text=page.text[start:end], section=section)
        for page, stretches in zip(pages, _measured(pages, measure), strict=True)
        for start, end, section in group(stretches, measure.room)
    ]
    return _fitting(passages, measure)


def title_in_front(title: str | None) -> str | None:
    """The title as it is embedded in front of each passage."""
    if title is None or len(title) <= LONGEST_TITLE:
        return title
    return title[:LONGEST_TITLE].rpartition(" ")[0] or title[:LONGEST_TITLE]


@dataclass(frozen=True, kw_only=True)
class _Sentence:
    page: int
    """Index of its page."""
    span: Span
    section: str | None
    opens: bool


def _sentences(pages: Sequence[Page]) -> Iterator[_Sentence]:
    section: str | None = None
    for index, page in enumerate(pages):
        for start, end in paragraphs(page.text):
            heading = next_section(page.text[start:end], section)
            section = heading or section
            for place, span in enumerate(sentences(page.text, start, end)):
                opens = heading is not None and place == 0
                yield _Sentence(page=index, span=span, section=section, opens=opens)


def _measured(pages: Sequence[Page], measure: Measure) -> list[list[Stretch]]:
    """For each page its sentences with their tokens, overlong ones in parts."""
    found = list(_sentences(pages))
    texts = [pages[sentence.page].text[slice(*sentence.span)] for sentence in found]
    stretches: list[list[Stretch]] = [[] for _ in pages]
    for sentence, text, tokens in zip(found, texts, measure.tokens(texts), strict=True):
        start, end = sentence.span
        whole = Stretch(
            start=start,
            end=end,
            words=len(text.split()),
            tokens=tokens,
            section=sentence.section,
            opens=sentence.opens,
        )
        long = tokens > measure.room(sentence.section) or has_overlong_word(text)
        parts = _divided(pages[sentence.page].text, whole, measure) if long else [whole]
        stretches[sentence.page].extend(parts)
    return stretches


def _divided(text: str, whole: Stretch, measure: Measure) -> Iterator[Stretch]:
    """The words of an overlong sentence; a word that alone is too long in halves."""
    spans = list(words(text, whole.start, whole.end))
    counts = measure.tokens([text[start:end] for start, end in spans])
    for (start, end), tokens in zip(spans, counts, strict=True):
        length = max(1, (end - start) // CHARACTERS_PER_WORD)
        part = replace(whole, start=start, end=end, words=length, tokens=tokens, opens=False)
        if tokens <= measure.room(whole.section) or end - start == 1:
            yield part
        else:
            middle = (start + end) // 2
            yield from _divided(text, replace(part, end=middle), measure)
            yield from _divided(text, replace(part, start=middle), measure)


def _fitting(passages: Sequence[Passage], measure: Measure) -> list[Passage]:
    """The same, with any that is too long after all in halves: a whole can count more than its parts."""
    fits = measure.fit(passages)
    if all(fits):
        return list(passages)
    halved = [
        part
        for passage, fit in zip(passages, fits, strict=True)
        for part in ([passage] if fit else _halves(passage))
    ]
    return _fitting(halved, measure)


def _halves(passage: Passage) -> list[Passage]:
    text = passage.text
    if len(text) < 2:
        raise ValueError(f"The title and the section {passage.section!r} leave no room for a passage.")
    middle = text.find(" ", len(text) // 2 - 1) + 1
    middle = middle if 0 < middle < len(text) else len(text) // 2
    return [
        part for start, end in ((0, middle), (middle, len(text))) if (part := _part(passage, start, end)).text
    ]


def _part(passage: Passage, start: int, end: int) -> Passage:
    """A stretch of a passage, without the space around it."""
    text = passage.text[start:end]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    return replace(passage, start=passage.start + start, end=passage.start + start + len(text), text=text)
