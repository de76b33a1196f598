"""The page of a report: what stands in it, and what a browser makes of it."""

import json
import re

import pytest

from keras_textgen.pages import charts
from keras_textgen.pages.report_page import (
    Choice,
    Markup,
    Panel,
    SideBySide,
    Table,
    report_page,
)
from tests.pages.parsed import Parsed

EPOCHS = [
    {"epoch": epoch, "loss": 1.0 / epoch, "split": split}
    for split in ("training", "validation")
    for epoch in (1, 2, 3)
]
WORDS = [
    {"topic": f"{t}", "word": f"w{w}", "share": 0.1 / (w + 1), "lift": 2.0}
    for t in range(4)
    for w in range(3)
]
POINTS = [
    {"x": 0.5 * n, "y": n % 3, "text": f"text {n}", "label": "ab"[n % 2]}
    for n in range(9)
]
LABELED = [
    {"x": n, "y": n % 7, "text": f"text {n}", "label": f"label {n}"}
    for n in range(23)
]
CELLS = [
    {"class": a, "taken for": b, "documents": 3 * (a == b)}
    for a in "xyz"
    for b in "xyz"
]
SURE = [{"said": 0.3, "true": 0.5, "n": 2}, {"said": 0.9, "true": 0.8, "n": 4}]
MANY = [{"dimension": f"{n + 100}", "share": 1 / (n + 1)} for n in range(60)]
WIDE = [
    {"dimension": f"{n}", "label": label, "on": n / 40}
    for n in range(40)
    for label in ("Democratic-Republican", "Whig")
]
YEARS = [
    {"time": 1790 + 11.37 * n, "share": 0.5, "topic": topic}
    for topic in ("0: government of", "1: the people")
    for n in range(21)
]
# A chart of each kind, and the marks that a browser draws of it.
CHARTS = {
    "line": (charts.line_chart(EPOCHS, "epoch", "loss", "split"), 2 + 6),
    "bar": (charts.bar_chart(EPOCHS[:3], "epoch", "loss"), 3),
    "bar of many": (charts.bar_chart(MANY, "dimension", "share"), 60),
    "heatmap of many": (
        charts.heatmap(WIDE, "dimension", "label", "on", ".0%"),
        2 * 80,
    ),
    "line over years": (charts.line_chart(YEARS, "time", "share", "topic"), 44),
    "small bars": (
        charts.small_bars(WORDS, "topic", "word", "share", ["lift"]),
        12,
    ),
    "scatter": (charts.scatter(POINTS, "label", ["text"]), 9),
    "scatter of many labels": (
        charts.scatter(LABELED, "label", ["text"]),
        23,
    ),
    "heatmap": (charts.heatmap(CELLS, "taken for", "class", "documents"), 18),
    "diagonal": (charts.diagonal(SURE, "said", "true", ["n"]), 1 + 1 + 2),
}


def panels_of_all():
    """Panels with every chart, and with every other part."""
    table = Table(["text", "nats"], [["</script><b>", 1234.4], ["a & b", 7]])
    choice = Choice(
        "Colored",
        {
            "by label": charts.scatter(POINTS, "label", ["text"]),
            "by length": charts.scatter(POINTS, "x", ["text"]),
        },
    )
    lines = [CHARTS["line"][0]] * 3
    return [
        *(
            Panel(name, f"A {name} chart.", [chart])
            for name, (chart, _) in CHARTS.items()
        ),
        Panel("Texts", parts=[table, "a < b"]),
        Panel("Chosen", parts=[choice]),
        Panel("Folded", parts=[SideBySide(lines)], folded=[("f", lines[0])]),
        Panel("Marked", parts=[Markup("<p class='m'>!</p>", ".m { top: 0; }")]),
    ]


@pytest.fixture(scope="module")
def page():
    return report_page("<R>", panels_of_all())


def test_the_page_is_whole_and_points_to_its_parts(page):
    parsed = Parsed(page)
    assert parsed.open == []
    assert len(parsed.targets) == len(panels_of_all())
    assert {target[1:] for target in parsed.targets} <= parsed.ids
    # Of a phone, light or dark, and of a few MB.
    assert "width=device-width" in page
    assert "prefers-color-scheme: dark" in page
    assert len(page.encode()) < 5e6


def test_nothing_is_loaded_from_elsewhere(page):
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    specs = re.findall(r'class="spec">(.*?)</script>', own, flags=re.DOTALL)
    assert len(specs) == len(CHARTS) + 1 + 4
    for spec in map(json.loads, specs):
        assert "url" not in json.dumps(spec.get("data", {}))
    assert not re.search(r'(src|href)="(?!#)', own)


def test_values_are_shown_as_text(page):
    assert "<td>&lt;/script&gt;&lt;b&gt;</td>" in page
    assert '<td class="number">1,234</td>' in page
    assert '<td class="number">7</td>' in page
    assert '<pre tabindex="0">a &lt; b</pre>' in page
    assert '<th scope="col">text</th><th scope="col" class="number">' in page


def test_a_script_cannot_be_ended_by_a_value():
    point = {
        "x": 0.0,
        "y": 0.0,
        "text": "</script><!-- <script>alert(1)</script>",
    }
    chart = charts.scatter([point], None, ["text"])
    page = report_page("R", [Panel("P", parts=[chart])])
    (spec,) = re.findall(r'class="spec">(.*?)</script>', page, flags=re.DOTALL)
    (values,) = json.loads(spec)["datasets"].values()
    assert values == [point]


@pytest.mark.parametrize("rows", [POINTS, LABELED], ids=["two", "23"])
def test_each_label_has_a_color_and_shape_of_its_own(rows):
    encoding = charts.scatter(rows, "label", ["text"])["encoding"]
    labels = sorted({row["label"] for row in rows})
    scales = [
        encoding[channel]["scale"]
        for channel in ("color", "shape")
        if channel in encoding
    ]
    assert all(scale["domain"] == labels for scale in scales)
    marks = set(zip(*(scale["range"] for scale in scales), strict=True))
    assert len(marks) == len(labels)


def test_a_choice_has_its_data_once(page):
    (choice,) = (
        json.loads(spec)
        for spec in re.findall(r'class="spec">(.*?)</script>', page, re.DOTALL)
        if "choices" in spec
    )
    (values,) = choice["datasets"].values()
    assert values == POINTS
    names = [each["data"]["name"] for each in choice["choices"]]
    assert names == [*choice["datasets"]] * 2
    assert "<option>by label</option><option>by length</option>" in page


def test_the_style_of_markup_is_in_the_head(page):
    assert ".m { top: 0; }" in page.partition("</style>")[0]
    assert "<p class='m'>!</p>" in page
