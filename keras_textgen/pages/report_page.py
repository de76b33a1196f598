"""The page of a run, self-contained: tables, texts, and charts."""

from __future__ import annotations

import dataclasses
import html
import json
from collections.abc import Sequence

import altair
import vl_convert

from keras_textgen.pages.charts import Chart
from keras_textgen.pages.html_page import html_page

_CSS = """\
:root { color-scheme: light dark; --line: #e6eaee; --dim: #4a5560;
  --card: #f7f9fb; --mark: #b3400e; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a4048; --dim: #b4bdc7; --card: #23272d; --mark: #ffb38a; }
  body { background: #1b1e22; color: #e4e7ea; }
  th, .caption { color: var(--dim); } th, td { border-color: var(--line); }
  a { color: #8ab8ff; }
}
body { max-width: 70rem; overflow-wrap: break-word; }
th { white-space: nowrap; }
nav { font-size: .9rem; margin: 0 0 1.5rem; }
nav a { margin-right: 1rem; white-space: nowrap; }
section { margin: 0 0 2.4rem; }
.chart { width: 100%; min-height: 3rem; overflow-x: auto; }
.chart svg { width: auto; }
.scroll { overflow-x: auto; }
pre { background: var(--card); padding: .8rem; overflow-x: auto;
  font-size: .82rem; }
.found { border-left: 4px solid var(--mark); margin: .3rem 0 .8rem;
  padding: .1rem 0 .1rem .7rem; }
td.number { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
details > summary { cursor: pointer; margin: .4rem 0; }
@media (max-width: 40rem) { body { margin: 1rem auto; padding: 0 .8rem; } }
"""
_SCRIPT = """\
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const ink = dark ? "#e4e7ea" : "#222", faint = dark ? "#3a4048" : "#e6eaee";
const text = { labelColor: ink, titleColor: ink };
const config = { background: "transparent", view: { stroke: faint },
  axis: { ...text, gridColor: faint, domainColor: faint, tickColor: faint },
  legend: { ...text, orient: "bottom", columns: 4, labelLimit: 130 },
  header: text, text: { color: ink } };
for (const source of document.querySelectorAll("script.spec")) {
  vegaEmbed(source.previousElementSibling, JSON.parse(source.textContent),
    { actions: false, renderer: "svg", config });
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
class Panel:
    """A part of a report.

    Attributes:
        title: what it is of.
        caption: what is to be seen, and how it is measured.
        parts: charts, tables, and texts, which are shown as they are.
        findings: what is worth being told, a sentence each.
        folded: parts that a reader opens, by what they are called.
    """

    title: str
    caption: str = ""
    parts: Sequence[Chart | Table | str] = ()
    findings: Sequence[str] = ()
    folded: Sequence[tuple[str, Chart | Table | str]] = ()


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
    return html_page(title, body, _CSS)


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


def _part(title: str, part: Chart | Table | str) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, str):
        return f"<pre>{html.escape(part)}</pre>"
    # What begins or ends a script, or a comment, would do so within this one.
    spec = json.dumps(part, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="chart" role="img" aria-label="{html.escape(title)}">'
        f'</div>\n<script type="application/json" class="spec">{spec}</script>'
    )


def _table(table: Table) -> str:
    headings = "".join(
        f'<th scope="col">{html.escape(each)}</th>' for each in table.headings
    )
    rows = "\n".join(
        f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows
    )
    return (
        f'<div class="scroll" tabindex="0"><table>\n<thead><tr>{headings}</tr>'
        f"</thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f'<td class="number">{value:,.4g}</td>'
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{html.escape(str(value))}</td>"
