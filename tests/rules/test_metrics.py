"""What the documents and examples say about metrics and notices is what the code has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from syncd.domain.notice import Happening
from syncd.observe.metrics.measures import MEASURES, Kind

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"\bsyncd_[a-z_]+")
SELECTOR = re.compile(r"\b(syncd_[a-z_]+)\{([^}]*)\}")
SERIES = {
    name: set(measure.labels) | {"instance", "job"}
    for measure in MEASURES
    for name in ([f"{measure.name}{end}" for end in ("_bucket", "_sum", "_count")] if measure.kind is Kind.HISTOGRAM else [measure.name])
}


def alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load((ROOT / "examples/prometheus-alerts.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "examples/grafana-dashboard.json").read_text())
    return document


EXPRESSIONS = [rule["expr"] for rule in alerts()] + [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]


def test_every_metric_stands_in_the_document_as_the_code_has_it() -> None:
    told = [line for line in (ROOT / "docs/metrics.md").read_text().splitlines() if line.startswith("| `syncd_")]

    held = [
        f"| `{each.name}` | {each.kind.value} | {', '.join(f'`{label}`' for label in each.labels) or '–'} | {each.meaning} |"
        for each in MEASURES
    ]

    assert told == held


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_names_follow_the_conventions_of_prometheus(measure: Any) -> None:
    is_total = measure.name.endswith("_total")

    assert is_total == (measure.kind is Kind.COUNTER)
    assert re.fullmatch(r"syncd_[a-z]+(_[a-z]+)*", measure.name)
    assert measure.meaning.endswith(".")


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_examples_ask_for_metrics_and_labels_that_there_are(expression: str) -> None:
    names = NAME.findall(expression)
    asked = {(name, label) for name, inside in SELECTOR.findall(expression) for label in re.findall(r"(\w+)=", inside)}

    assert set(names) <= SERIES.keys()
    assert [(name, label) for name, label in asked if label not in SERIES[name]] == []


def test_every_alert_says_how_bad_it_is_and_what_happened() -> None:
    assert all(rule["labels"]["severity"] in ("warning", "critical") and rule["annotations"]["summary"] for rule in alerts())
    assert len({rule["alert"] for rule in alerts()}) == len(alerts()) > 5


def test_the_panels_of_the_dashboard_do_not_overlap_and_show_every_metric_but_the_version() -> None:
    panels = dashboard()["panels"]
    cells = [
        (x, y)
        for grid in (panel["gridPos"] for panel in panels)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    shown = {name for panel in panels for target in panel["targets"] for name in NAME.findall(target["expr"])}

    assert len(cells) == len(set(cells))
    assert {re.sub("_bucket$", "", name) for name in shown} == {measure.name for measure in MEASURES} - {"syncd_build_info"}


def test_every_event_stands_in_the_document() -> None:
    document = (ROOT / "docs/notices.md").read_text()

    assert [event for event in Happening if f"| `{event.value}` |" not in document] == []
