"""The page of a report: what stands in it, and what a browser makes of it."""

import html.parser
import json
import re
import shutil
import subprocess

import pytest

from keras_textgen.pages import charts
from keras_textgen.pages.report_page import Panel, Table, report_page

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
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
CELLS = [
    {"class": a, "taken for": b, "documents": 3 * (a == b)}
    for a in "xyz"
    for b in "xyz"
]
SURE = [{"said": 0.3, "true": 0.5, "n": 2}, {"said": 0.9, "true": 0.8, "n": 4}]
# A chart of each kind, and the marks that a browser draws of it.
CHARTS = {
    "line": (charts.line_chart(EPOCHS, "epoch", "loss", "split"), 2 + 6),
    "bar": (charts.bar_chart(EPOCHS[:3], "epoch", "loss"), 3),
    "small bars": (
        charts.small_bars(WORDS, "topic", "word", "share", ["lift"]),
        12,
    ),
    "scatter": (charts.scatter(POINTS, "label", ["text"]), 9),
    "heatmap": (charts.heatmap(CELLS, "taken for", "class", "documents"), 18),
    "diagonal": (charts.diagonal(SURE, "said", "true", ["n"]), 1 + 1 + 2),
}

# What is drawn of a chart beside its data.
NO_MARKS = ("axis", "legend", "title")


class Parsed(html.parser.HTMLParser):
    """Counts the elements that a page opens, and those left open."""

    def __init__(self, page):
        super().__init__()
        self.open, self.ids, self.targets = [], set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids.add(values.get("id"))
        if tag == "a":
            self.targets.append(values["href"])
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page():
    panels = [
        Panel(name, f"A {name} chart.", [chart])
        for name, (chart, _) in CHARTS.items()
    ]
    table = Table(["text", "nats"], [["</script><b>", 1234.4], ["a & b", 7]])
    return report_page("<R>", [*panels, Panel("Texts", parts=[table, "a < b"])])


def test_the_page_is_whole_and_points_to_its_parts(page):
    parsed = Parsed(page)
    assert parsed.open == []
    assert len(parsed.targets) == len(CHARTS) + 1
    assert {target[1:] for target in parsed.targets} <= parsed.ids
    # Of a phone, light or dark, and of a few MB.
    assert "width=device-width" in page
    assert "prefers-color-scheme: dark" in page
    assert len(page.encode()) < 5e6


def test_nothing_is_loaded_from_elsewhere(page):
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    specs = re.findall(r'class="spec">(.*?)</script>', own, flags=re.DOTALL)
    assert len(specs) == len(CHARTS)
    for spec in map(json.loads, specs):
        assert "url" not in json.dumps(spec.get("data", {}))
    assert not re.search(r'(src|href)="(?!#)', own)


def test_values_are_shown_as_text(page):
    assert "<td>&lt;/script&gt;&lt;b&gt;</td>" in page
    assert '<td class="number">1,234</td>' in page
    assert '<td class="number">7</td>' in page
    assert "<pre>a &lt; b</pre>" in page


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


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome")
def test_a_browser_draws_every_chart(page, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(page, "utf-8")
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--window-size=390,900",
            "--virtual-time-budget=20000",
            "--dump-dom",
            f"file://{file}",
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "CONSOLE" not in done.stderr
    drawn = done.stdout.split('<div class="chart ')[1:]
    for chart, (name, (_, marks)) in zip(drawn, CHARTS.items(), strict=True):
        kinds = re.findall(
            r'role="graphics-symbol" aria-roledescription="([^"]*)"', chart
        )
        drawn_marks = [kind for kind in kinds if kind not in NO_MARKS]
        assert len(drawn_marks) == marks, name
