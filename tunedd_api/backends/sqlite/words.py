"""Search by words: a person's question as a full-text query that SQLite always accepts, and what it finds."""

import json
import re
import sqlite3
import unicodedata

from tunedd_api.backends.sqlite.filters import Filters, compile_filters

TITLE_WEIGHT = 2.0
"""How much more a word of the title says to BM25 than a word of the text."""
MAX_TERMS = 64
"""Further words of a question are not searched for: each costs time, and none changes much."""
WORDS_OF_ASKING = """
a about all also am an and any are as at be because been before being between both but by can could did do
does doing during each either few for from further get gets give given had has have having he her here hers
him his how i if in into is it its itself just many me more most much must my no nor not of off on once one
only or other our out over own s same shall she should so some such t tell than that the their them then
there these they thing things this those though through to too under until up us very was we were what when
where whether which while who whom whose why will with within without would you your yours describe explain
please
"""
"""They say nothing of the matter, but papers use some of them so rarely that BM25 takes them for telling."""


def matching(
    connection: sqlite3.Connection, query: str, filters: Filters, top_k: int
) -> list[tuple[int, float]]:
    """Number and BM25 score of the passages that share most with the query, best first."""
    words = full_text_query(query)
    if words is None:
        return []
    where = compile_filters(filters)
    # The plus keeps SQLite from searching the words anew for every passage of the scope.
    within = f"AND +rowid IN (SELECT number FROM passages WHERE {where.sql})" if filters else ""
    # All in one row: between two rows a thread has to wait until the others let it go on.
    sql = f"""
        SELECT json_group_array(number), json_group_array(score) FROM (
            SELECT rowid AS number, -bm25(words, {TITLE_WEIGHT}, 1.0) AS score FROM words
            WHERE words MATCH ? {within} ORDER BY score DESC, rowid LIMIT ?
        )
    """
    numbers, scores = connection.execute(sql, (words, *where.parameters, top_k)).fetchone()
    return list(zip(json.loads(numbers), json.loads(scores), strict=True))


def full_text_query(question: str) -> str | None:
    """The question's telling words, any of which may match; None where there is no word at all."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", question).lower())
    distinct = list(dict.fromkeys(words))
    asking = frozenset(WORDS_OF_ASKING.split())
    telling = [word for word in distinct if word not in asking]
    return " OR ".join(f'"{word}"' for word in (telling or distinct)[:MAX_TERMS]) or None
