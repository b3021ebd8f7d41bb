#!/usr/bin/env python3
"""Draws added latency against load from the JSON of the load benchmark.

    cargo bench --bench load -- --cases latency --json results.json
    python3 benches/plot.py results.json benches/latency.svg
"""

import json
import math
import sys
from pathlib import Path
from xml.sax.saxutils import escape

MODE = "response of 600 bytes"

# The plot area, in pixels.
LEFT, RIGHT, TOP, BOTTOM = 76, 560, 64, 380
WIDTH, HEIGHT = 720, 440

# Class of each route in the style sheet, in the order of the legend.
ROUTES = ["floor", "gateway", "other"]

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #333 }
  .title { font-size: 16px; font-weight: 600 }
  .grid { stroke: #ddd }
  .axis { stroke: #777 }
  .p50, .p99 { fill: none; stroke-width: 2 }
  .p99 { stroke-dasharray: 6 4 }
  .floor { stroke: #777 } .gateway { stroke: #c2410c } .other { stroke: #1d4ed8 }
  circle.floor { fill: #777 } circle.gateway { fill: #c2410c } circle.other { fill: #1d4ed8 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd }
    .grid { stroke: #3a3a3a }
    .axis, .floor { stroke: #aaa } circle.floor { fill: #aaa }
    .gateway { stroke: #fb923c } circle.gateway { fill: #fb923c }
    .other { stroke: #60a5fa } circle.other { fill: #60a5fa }
  }
"""


def main(arguments):
    if len(arguments) != 2:
        sys.exit("usage: plot.py RESULTS.json PLOT.svg")
    results, plot = map(Path, arguments)
    try:
        points = json.loads(results.read_text())["cases"]["latency"]["points"]
    except KeyError:
        sys.exit(f"plot.py: {results} has no latency; run the benchmark with the case `latency`")
    series = series_of(points)
    if not series:
        sys.exit(f"plot.py: {results} has no added latency of a {MODE}")
    plot.write_text(svg(series), encoding="utf-8")


def series_of(points):
    """(route, percentile) to a list of (connections, added microseconds)."""
    series = {}
    for point in points:
        if point["mode"] != MODE or point["route"] not in ROUTES:
            continue
        for percentile in ("p50", "p99"):
            added = point[f"added_{percentile}_us"]
            # What noise makes faster than the direct call has no place on a logarithmic axis.
            if added > 0:
                line = series.setdefault((point["route"], percentile), [])
                line.append((point["connections"], added))
    return series


def svg(series):
    points = [point for line in series.values() for point in line]
    loads = sorted({load for load, _ in points})
    ticks = ticks_around([added for _, added in points])

    def x(load):
        return scaled(math.log2(load), math.log2(loads[0]), math.log2(loads[-1]), LEFT, RIGHT)

    def y(added):
        return scaled(math.log2(added), math.log2(ticks[0]), math.log2(ticks[-1]), BOTTOM, TOP)

    shapes = [
        text(LEFT, 28, "Latency added to a direct call, against load", "title"),
        text(LEFT, 48, "non-streaming responses of 600 bytes; generator, simulator and server share the cores"),
    ]
    for tick in ticks:
        shapes.append(line_between(LEFT, y(tick), RIGHT, y(tick), "grid"))
        shapes.append(text(LEFT - 8, y(tick) + 4, duration(tick), anchor="end"))
    for load in loads:
        shapes.append(line_between(x(load), BOTTOM, x(load), BOTTOM + 5, "axis"))
        shapes.append(text(x(load), BOTTOM + 21, str(load), anchor="middle"))
    shapes.append(line_between(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"))
    shapes.append(text((LEFT + RIGHT) / 2, HEIGHT - 14, "connections, each with a request at all times", anchor="middle"))
    shapes.append(
        f'<text transform="translate(18 {(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
        "added latency</text>"
    )
    ordered = sorted(series.items(), key=lambda item: (ROUTES.index(item[0][0]), item[0][1]))
    for index, ((route, percentile), line) in enumerate(ordered):
        corners = " ".join(f"{x(load):.1f},{y(added):.1f}" for load, added in line)
        shapes.append(f'<polyline class="{percentile} {route}" points="{corners}"/>')
        if percentile == "p50":
            shapes += [
                f'<circle class="{route}" cx="{x(load):.1f}" cy="{y(added):.1f}" r="3.5"/>'
                for load, added in line
            ]
        height = TOP + 12 + 22 * index
        shapes.append(line_between(RIGHT + 20, height, RIGHT + 52, height, f"{percentile} {route}"))
        shapes.append(text(RIGHT + 60, height + 4, f"{route} {percentile}"))
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img">\n'
        f"<title>Latency added to a direct call, against load</title>\n"
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def ticks_around(values):
    """1, 2, 5, 10, 20, … from the last one below all values to the first one above."""
    steps = [step * 10**decade for decade in range(-1, 9) for step in (1, 2, 5)]
    first = max(index for index, step in enumerate(steps) if step <= max(min(values), steps[0]))
    last = min(index for index, step in enumerate(steps) if step >= max(values))
    return steps[first : last + 1]


def scaled(value, low, high, start, end):
    """`value` between `low` and `high` as a position between `start` and `end`."""
    part = (value - low) / (high - low) if high > low else 0.5
    return start + part * (end - start)


def duration(microseconds):
    if microseconds >= 1_000_000:
        return f"{microseconds / 1_000_000:g} s"
    return f"{microseconds / 1000:g} ms" if microseconds >= 1000 else f"{microseconds:g} µs"


def text(x, y, words, name=None, anchor="start"):
    attribute = f' class="{name}"' if name else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attribute}>{escape(words)}</text>'


def line_between(x1, y1, x2, y2, name):
    return f'<line class="{name}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


if __name__ == "__main__":
    main(sys.argv[1:])
