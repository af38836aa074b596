"""The dashboard for Grafana asks for what the service measures, and for nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.api import service, start
from tests.metrics import scrape
from tests.pdfs import write_pdf
from tests.world import ROOT

DASHBOARD = ROOT / "deploy" / "grafana" / "tunedd.json"
METRIC = re.compile(r"\b(?:tunedd|process|python)_\w+")
LABEL = re.compile(r"(\w+)(?:=~|!~|!=|=)\"|by \(([^)]*)\)|\{\{(\w+)\}\}")
GIVEN_BY_PROMETHEUS = {"instance", "le"}


def queries(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every expression, with its legend."""
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"], target["legendFormat"]


async def test_every_metric_and_label_of_the_dashboard_is_there_after_some_traffic(tmp_path: Path) -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    asked = list(queries(board))
    assert len(asked) > 20
    (tmp_path / "papers").mkdir()
    write_pdf(tmp_path / "papers" / "scan.pdf", [[]])
    async with service(tmp_path) as client:
        conversation = await start(client)
        url = f"/conversations/{conversation}/messages/stream"
        await client.post(url, json={"content": "How is a quote verified?"})
        seen = await scrape(client)
    labels: dict[str, set[str]] = {}
    for name, given in seen.samples:
        labels.setdefault(name, set(GIVEN_BY_PROMETHEUS)).update(label for label, _ in given)
    for expression, legend in asked:
        (metric,) = METRIC.findall(expression)
        assert metric in labels, f"{metric} is not measured"
        wanted = {
            label
            for groups in LABEL.findall(f"{expression} {legend}")
            for label in re.findall(r"\w+", " ".join(groups))
        }
        assert wanted <= labels[metric], f"{metric} has no {wanted - labels[metric]}"


def test_the_panels_of_the_dashboard_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24
