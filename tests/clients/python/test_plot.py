"""The plot of the load benchmark: one line for each server and percentile."""

import json
import subprocess
import sys
from xml.etree import ElementTree

from processes import REPOSITORY

SVG = "{http://www.w3.org/2000/svg}"


def draw(folder, results):
    """Runs the script; the completed process and the parsed plot, if there is one."""
    file, plot = folder / "results.json", folder / "plot.svg"
    file.write_text(json.dumps(results))
    command = [sys.executable, REPOSITORY / "benches/plot.py", file, plot]
    completed = subprocess.run(command, capture_output=True, text=True)
    return completed, ElementTree.parse(plot).getroot() if plot.exists() else None


def point(route, connections, p50, p99, mode="response of 600 bytes"):
    return {
        "mode": mode,
        "route": route,
        "connections": connections,
        "added_p50_us": p50,
        "added_p99_us": p99,
    }


def results_of(points):
    return {"cases": {"latency": {"points": points}}}


def lines_of(plot):
    """Class of each line to its points."""
    return {
        line.get("class"): [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
        for line in plot.iter(SVG + "polyline")
    }


def words_of(plot):
    return [element.text for element in plot.iter(SVG + "text")]


def test_each_server_has_a_line_for_its_median_and_one_for_its_99th_percentile(tmp_path):
    points = [
        point("direct", 1, 0, 0),
        point("floor", 1, 50, 90),
        point("gateway", 1, 100, 1000),
        point("gateway", 4, 1000, 9000),
        point("gateway", 1, 5, 5, mode="stream of 50 deltas"),
    ]
    completed, plot = draw(tmp_path, results_of(points))
    assert completed.returncode == 0, completed.stderr
    lines = lines_of(plot)
    assert sorted(lines) == ["p50 floor", "p50 gateway", "p99 floor", "p99 gateway"]
    (one_x, one_y), (four_x, four_y) = lines["p50 gateway"]
    assert one_x < four_x and one_y > four_y
    # Both are 1,000 µs.
    assert lines["p99 gateway"][0][1] == four_y
    words = words_of(plot)
    assert {"floor p50", "floor p99", "gateway p50", "gateway p99"} <= set(words)
    assert {"50 µs", "500 µs", "1 ms", "10 ms", "1", "4", "added latency"} <= set(words)


def test_a_point_that_noise_made_faster_than_the_direct_call_is_left_out(tmp_path):
    points = [point("gateway", 1, 100, -20), point("gateway", 2, 200, 400)]
    _, plot = draw(tmp_path, results_of(points))
    lines = lines_of(plot)
    assert (len(lines["p50 gateway"]), len(lines["p99 gateway"])) == (2, 1)


def test_results_without_latency_are_an_error_that_names_the_case(tmp_path):
    completed, plot = draw(tmp_path, {"cases": {}})
    assert completed.returncode == 1 and plot is None
    assert "the case `latency`" in completed.stderr
