"""The page of a run, self-contained: tables, texts, and charts."""

from __future__ import annotations

import dataclasses
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair
import vl_convert

from keras_textgen.pages.charts import Chart
from keras_textgen.pages.html_page import html_page

_CSS = """\
:root { --mark: #b3400e; }
@media (prefers-color-scheme: dark) { :root { --mark: #ffb38a; } }
body { max-width: 70rem; }
.scroll { margin-bottom: .8rem; }
@media (min-width: 40rem) { th { white-space: nowrap; } }
nav { font-size: .9rem; margin: 0 0 1.5rem; }
nav a { margin-right: 1rem; white-space: nowrap; }
section { margin: 0 0 2.4rem; }
.chart { width: 100%; min-height: 3rem; overflow-x: auto; }
.chart svg { width: auto; }
.side-by-side { display: grid; gap: 0 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); }
.side-by-side > div { min-width: 0; }
pre { background: var(--card); padding: .8rem; overflow-x: auto;
  font-size: .82rem; }
.found { border-left: 4px solid var(--mark); margin: .3rem 0 .8rem;
  padding: .1rem 0 .1rem .7rem; }
.number { text-align: right; }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
details > summary { cursor: pointer; margin: .4rem 0; }
select { background: var(--card); border: 1px solid var(--rule);
  border-radius: .2rem; color: inherit; font: inherit; font-size: .9rem;
  max-width: 100%; }
"""
_SCRIPT = """\
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const ink = dark ? "#e4e7ea" : "#222", faint = dark ? "#3a4048" : "#e6eaee";
const text = { labelColor: ink, titleColor: ink, labelFontSize: 11,
  titleFontSize: 12 };
const config = { background: "transparent", view: { stroke: faint },
  axis: { ...text, gridColor: faint, domainColor: faint, tickColor: faint },
  legend: { ...text, orient: "bottom", labelLimit: 130 },
  header: text, text: { color: ink } };
function draw(place, spec) {
  // Of what is folded, the width is not known yet.
  const width = place.clientWidth || place.closest("section").clientWidth;
  const fit = (room) => Math.max(1, Math.floor(width / room));
  // Names take as much room as bars.
  if (spec.facet) spec.columns = fit(1.75 * spec.spec.width);
  const legend = { ...config.legend, columns: fit(160) };
  vegaEmbed(place, spec, { actions: false, renderer: "svg",
    config: { ...config, legend } });
}
for (const source of document.querySelectorAll("script.spec")) {
  const place = source.previousElementSibling;
  const given = JSON.parse(source.textContent);
  if (!given.choices) { draw(place, given); continue; }
  const select = source.parentElement.querySelector("select");
  const choose = () => draw(place,
    { ...given.choices[select.selectedIndex], datasets: given.datasets });
  select.onchange = choose;
  choose();
}
"""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        headings: of the columns.
        rows: of values: texts, or numbers, which stand on the right.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclasses.dataclass(frozen=True)
class Choice:
    """Charts of which a reader chooses one.

    Attributes:
        question: what is chosen, before the names of the charts.
        charts: by name; the first is shown first. Data that several of them
            have are written once.
    """

    question: str
    charts: Mapping[str, Chart]


@dataclasses.dataclass(frozen=True)
class SideBySide:
    """Charts beside each other, as many as there is room for."""

    charts: Sequence[Chart]


@dataclasses.dataclass(frozen=True)
class Markup:
    """HTML that is shown as it is.

    Attributes:
        html: of an element.
        style: CSS of it.
    """

    html: str
    style: str = ""


Part = Chart | Table | Choice | SideBySide | Markup | str


@dataclasses.dataclass(frozen=True)
class Panel:
    """A part of a report.

    Attributes:
        title: what it is of.
        caption: what is to be seen, and how it is measured.
        parts: charts, tables, markup, and texts, which are shown as they are.
        findings: what is worth being told, a sentence each.
        folded: parts that a reader opens, by what they are called.
    """

    title: str
    caption: str = ""
    parts: Sequence[Part] = ()
    findings: Sequence[str] = ()
    folded: Sequence[tuple[str, Part]] = ()


def report_page(title: str, panels: Sequence[Panel]) -> str:
    """Writes the page.

    Args:
        title: of the page.
        panels: from the first to the last.

    Returns:
        HTML that needs nothing beside itself: the charts' library is in it.

    Example:
        >>> page = report_page("A & B", [Panel("Texts", parts=["a < b"])])
        >>> "<h1>A &amp; B</h1>" in page, "a &lt; b" in page
        (True, True)
    """
    links = "".join(
        f'<a href="#{_anchor(number)}">{html.escape(panel.title)}</a> '
        for number, panel in enumerate(panels)
    )
    sections = "\n".join(map(_section, range(len(panels)), panels))
    body = (
        f'<nav aria-label="Parts of the report">{links}</nav>\n{sections}\n'
        f"<script>{_library()}</script>\n"
        f"<script>{_SCRIPT}</script>"
    )
    styles = dict.fromkeys(
        part.style
        for panel in panels
        for part in panel.parts
        if isinstance(part, Markup)
    )
    return html_page(title, body, "".join([_CSS, *styles]))


def _library() -> str:
    """Vega-Lite in JavaScript, of the version that Altair writes."""
    major_and_minor = altair.SCHEMA_VERSION.split(".")[:2]
    return vl_convert.javascript_bundle(
        snippet=None, vl_version=".".join(major_and_minor)
    )


def _anchor(number: int) -> str:
    return f"part{number + 1}"


def _section(number: int, panel: Panel) -> str:
    title = html.escape(panel.title)
    findings = "".join(
        f'<p class="found">{html.escape(each)}</p>\n' for each in panel.findings
    )
    parts = "\n".join(_part(title, part) for part in panel.parts)
    folded = "\n".join(
        f"<details><summary>{html.escape(name)}</summary>\n"
        f"{_part(name, part)}\n</details>"
        for name, part in panel.folded
    )
    return (
        f'<section id="{_anchor(number)}">\n<h2>{title}</h2>\n'
        f'<p class="caption">{html.escape(panel.caption)}</p>\n'
        f"{findings}{parts}\n{folded}</section>"
    )


def _part(title: str, part: Part) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Markup):
        return part.html
    if isinstance(part, Choice):
        return _choice(part)
    if isinstance(part, SideBySide):
        charts = "\n".join(
            f"<div>{_part(title, each)}</div>" for each in part.charts
        )
        return f'<div class="side-by-side">{charts}</div>'
    if isinstance(part, str):
        return f'<pre tabindex="0">{html.escape(part)}</pre>'
    return _drawn({"description": title, **part})


def _drawn(spec: Mapping[str, Any]) -> str:
    """Where the page's script draws a chart, and what."""
    # What begins or ends a script, or a comment, would do so within this one.
    text = json.dumps(spec, separators=(",", ":")).replace("<", "\\u003c")
    return (
        '<div class="chart" tabindex="0"></div>\n'
        f'<script type="application/json" class="spec">{text}</script>'
    )


def _choice(part: Choice) -> str:
    datasets: dict[str, Any] = {}
    specs = []
    for name, chart in part.charts.items():
        datasets |= chart["datasets"]
        own = {key: value for key, value in chart.items() if key != "datasets"}
        specs.append({"description": name, **own})
    options = "".join(
        f"<option>{html.escape(name)}</option>" for name in part.charts
    )
    return (
        f"<div><label>{html.escape(part.question)} <select>{options}</select>"
        f"</label>{_drawn({'choices': specs, 'datasets': datasets})}</div>"
    )


def _table(table: Table) -> str:
    first = table.rows[0] if table.rows else [""] * len(table.headings)
    headings = "".join(
        f'<th scope="col"{_number_class(value)}>{html.escape(each)}</th>'
        for each, value in zip(table.headings, first, strict=True)
    )
    rows = "\n".join(
        f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows
    )
    return (
        f'<div class="scroll" tabindex="0"><table>\n<thead><tr>{headings}</tr>'
        f"</thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _number_class(value: object) -> str:
    return ' class="number"' if isinstance(value, (int, float)) else ""


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f'<td class="number">{value:,.4g}</td>'
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{html.escape(str(value))}</td>"
