from tunedd_api.backends.sqlite.words import MAX_TERMS, full_text_query


def test_words_of_asking_are_left_out() -> None:
    assert full_text_query("What is the HIMAS framework?") == '"himas" OR "framework"'


def test_a_question_of_such_words_alone_keeps_them() -> None:
    assert full_text_query("What is it?") == '"what" OR "is" OR "it"'


def test_operators_and_quotes_are_words_or_nothing() -> None:
    assert (
        full_text_query('title:"x" NEAR(y, 2) * ^z -(w)')
        == '"title" OR "x" OR "near" OR "y" OR "2" OR "z" OR "w"'
    )


def test_each_word_is_searched_for_once() -> None:
    assert full_text_query("agent Agent AGENT") == '"agent"'


def test_ligatures_are_letters() -> None:
    assert full_text_query("ﬁnding") == '"finding"'


def test_a_very_long_question_is_capped() -> None:
    query = full_text_query(" ".join(f"word{number}" for number in range(10_000)))
    assert query is not None
    assert query.count(" OR ") == MAX_TERMS - 1


def test_without_a_word_there_is_nothing_to_search_for() -> None:
    assert full_text_query(" ?! \x00 🙂 \ud800 ") is None
