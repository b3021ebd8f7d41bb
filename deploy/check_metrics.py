"""Checks the metrics that the dashboard, the rules and the alerts name against those of the gateway.

docs/operations.md has the table of all metrics with their labels; a test of the gateway compares it
with what /metrics exports. Each expression may use only these metrics and labels, the recording rules,
and the labels that Prometheus adds.
"""

import json
import re
import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
DASHBOARD = REPOSITORY / "deploy/grafana/outcrop.json"
RULES = [REPOSITORY / "deploy/prometheus" / name for name in ("rules.yaml", "alerts.yaml")]

METRIC = re.compile(r"\b(?:outcrop|process)[a-z0-9_:]*\b")
SELECTOR = re.compile(r"\b((?:outcrop|process)[a-z0-9_:]*)\s*\{([^}]*)\}")
MATCHER = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")
# Those that Prometheus adds, and that of histograms.
COMMON_LABELS = {"job", "instance", "le"}


def documented():
    """The labels of each metric in the table."""
    page = (REPOSITORY / "docs/operations.md").read_text()
    metrics = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`((?:outcrop|process)_[a-z_]+)`", cells[0])
        if not line.startswith("| `") or not names:
            continue
        labels = set(re.findall(r"`([a-z_]+)`", cells[2])) if len(cells) > 2 else set()
        for name in names:
            suffixes = ["_bucket", "_sum", "_count"] if "histogram" in cells[1] else [""]
            metrics |= {name + suffix: labels for suffix in suffixes}
    return metrics


def expressions():
    """Where each expression is, and its text."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"{DASHBOARD.name}: {panel['title']}", target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"{DASHBOARD.name}: ${variable['name']}", variable["definition"]
    for file in RULES:
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                yield f"{file.name}: {rule.get('record') or rule['alert']}", rule["expr"]


def recorded():
    """The names of the recording rules."""
    rules = yaml.safe_load(RULES[0].read_text())["groups"]
    return {rule["record"] for group in rules for rule in group["rules"]}


def mistakes():
    metrics, records = documented(), recorded()
    seen = 0
    for place, expression in expressions():
        for name in METRIC.findall(expression):
            seen += 1
            if name not in metrics and name not in records:
                yield f"{place}: docs/operations.md has no metric `{name}`"
        for name, matchers in SELECTOR.findall(expression):
            if name not in metrics:
                continue
            for label in set(MATCHER.findall(matchers)) - metrics[name] - COMMON_LABELS:
                yield f"{place}: `{name}` has no label `{label}`"
    if not metrics or not seen:
        yield "no metrics were found: has the table of docs/operations.md changed its form?"


if __name__ == "__main__":
    found = list(mistakes())
    print("\n".join(found))
    sys.exit(bool(found))
