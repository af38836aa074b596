"""The measures of a process without an API, at a port of its own."""

import httpx
import pytest

from tests.metrics import parsed
from tunedd_api.backends.prometheus import PrometheusMeasures, exposed
from tunedd_api.measures import IndexingStage


def test_a_process_without_an_api_shows_its_measures_at_a_port() -> None:
    measures = PrometheusMeasures()
    with exposed(measures, "127.0.0.1", 0) as port:
        measures.passages_written(7)
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
        assert parsed(answer.text).value("passages_written_total") == 7
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")


def test_a_stage_that_fails_has_taken_its_time_too() -> None:
    measures = PrometheusMeasures()
    with pytest.raises(OSError, match="gone"), measures.stage(IndexingStage.READING):
        raise OSError("gone")
    seen = parsed(measures.text().decode())
    assert seen.value("indexing_stage_seconds_count", stage="reading") == 1


def test_the_buckets_reach_from_a_search_in_memory_to_a_slow_answer() -> None:
    measures = PrometheusMeasures()
    for seconds in (0.009, 0.4, 119.0, 500.0):
        measures.first_token(seconds)
    seen = parsed(measures.text().decode())
    counts = {le: seen.value("first_token_seconds_bucket", le=le) for le in ("0.01", "0.5", "120.0", "+Inf")}
    assert counts == {"0.01": 1, "0.5": 2, "120.0": 3, "+Inf": 4}
