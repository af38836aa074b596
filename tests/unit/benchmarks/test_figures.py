"""Percentiles and tables."""

import pytest

from benchmarks.figures import markdown, megabytes, milliseconds, percentile


@pytest.mark.parametrize(("share", "expected"), [(0.5, 10), (0.95, 19), (1.0, 20), (0.01, 1)])
def test_a_percentile_is_the_time_that_so_many_do_not_exceed(share: float, expected: float) -> None:
    times = [float(time) for time in range(20, 0, -1)]
    assert percentile(times, share) == expected
    assert sum(time <= percentile(times, share) for time in times) >= share * len(times)


def test_of_one_time_every_percentile_is_that_time() -> None:
    assert percentile([3.0], 0.5) == percentile([3.0], 0.95) == 3.0


def test_figures_carry_their_unit() -> None:
    assert milliseconds([0.001, 0.002, 0.0123]) == "2.0 / 12.3 ms"
    assert megabytes(499_600_000) == "500 MB"


def test_a_table_has_a_rule_below_its_header() -> None:
    assert markdown(["", "5 papers"], [["search", "2 ms"]]).splitlines() == [
        "|  | 5 papers |",
        "| --- | --- |",
        "| search | 2 ms |",
    ]
