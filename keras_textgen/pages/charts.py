"""Charts of a report: Vega-Lite, by way of Altair, drawn by the browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair

# What a chart is, for `report_page`: a specification of Vega-Lite.
Chart = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
_HEIGHT = 260
# Of one color scale, dark enough and light enough for both backgrounds.
_COLOR = "#4c86c6"
# Of names: Tableau's ten, told apart on both backgrounds. Of more names,
# Vega-Lite would choose pairs of shades.
_COLORS = (
    "#4c78a8",
    "#f58518",
    "#54a24b",
    "#e45756",
    "#b279a2",
    "#9d755d",
    "#72b7b2",
    "#eeca3b",
    "#ff9da6",
    "#8a8a8a",
)
# Names beyond the number of colors are told apart by these.
_SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "cross",
    "diamond",
    "triangle-down",
)
# Up to so many numbers, each has a tick of its own.
_FEW = 12
# The most characters of a name that stands upright below its bar.
_SHORT = 3
# Pixels: the width of a number in a rectangle, the height of a line of names.
_NUMBER_WIDTH, _LINE = 30, 18


def line_chart(rows: Rows, x: str, y: str, color: str | None = None) -> Chart:
    """Lines, one for each value of `color`.

    Args:
        rows: with the fields `x`, `y` and `color`.
        x: name of the field along.
        y: name of the field up.
        color: name of the field that parts the lines; None for one line.

    Example:
        >>> chart = line_chart([{"epoch": 1, "loss": 2.0}], "epoch", "loss")
        >>> chart["mark"]["type"], chart["encoding"]["x"]["field"]
        ('line', 'epoch')
    """
    scale = altair.Scale(zero=False)
    encoding: dict[str, Any] = {
        "x": altair.X(x, type="quantitative", axis=_axis(rows, x)),
        "y": altair.Y(y, type="quantitative", scale=scale, title=_spoken(y)),
        "tooltip": _shown(rows, [x, y]),
    }
    if color is not None:
        encoding["color"] = altair.Color(
            color, type="nominal", title=None, scale=_scale(rows, color)
        )
        encoding["tooltip"] = _shown(rows, [color, x, y])
    return _spec(rows, "line", encoding, point=True)


def bar_chart(rows: Rows, x: str, y: str, tooltip: Sequence[str] = ()) -> Chart:
    """Bars in the order of the rows.

    Args:
        rows: with the fields `x`, `y` and those of `tooltip`.
        x: name of the field that each bar is of.
        y: name of the field that is a bar's height.
        tooltip: names of fields that the pointer shows.

    Example:
        >>> chart = bar_chart(
        ...     [{"dimension": "1", "variance": 0.5}], "dimension", "variance"
        ... )
        >>> chart["mark"]["type"]
        'bar'
    """
    encoding = {
        "x": altair.X(x, type="ordinal", sort=None, axis=_names_axis(rows, x)),
        "y": altair.Y(y, type="quantitative"),
        "tooltip": _shown(rows, [x, y, *tooltip]),
    }
    return _spec(rows, "bar", encoding, color=_COLOR)


def small_bars(
    rows: Rows, part: str, name: str, value: str, tooltip: Sequence[str] = ()
) -> Chart:
    """Lying bars, in a chart of its own for each value of `part`.

    Args:
        rows: with the fields; those of a part together, the largest first.
        part: name of the field that parts the charts.
        name: name of the field that each bar is of.
        value: name of the field that is a bar's length.
        tooltip: names of fields that the pointer shows.

    Example:
        >>> row = {"topic": "1", "word": "sea", "share": 0.1}
        >>> small_bars([row], "topic", "word", "share")["columns"]
        3
    """
    encoding = {
        "x": altair.X(
            value,
            type="quantitative",
            title=None,
            axis=altair.Axis(tickCount=2),
        ),
        "y": altair.Y(name, type="nominal", sort=None, title=None),
        "tooltip": _shown(rows, [name, value, *tooltip]),
    }
    parts = list(dict.fromkeys(row[part] for row in rows))
    height = 16 * max(len(rows) // max(len(parts), 1), 1)
    # Words of all topics on one axis would leave no room for any.
    return (
        altair.Chart(_data(rows), width=170, height=height)
        .mark_bar(color=_COLOR)
        .encode(**encoding)
        .facet(
            altair.Facet(part, type="nominal", sort=parts, title=None),
            columns=3,
        )
        .resolve_scale(y="independent")
        # Else the last row has axes below places without a chart.
        .resolve_axis(x="independent")
        .to_dict()
    )


def scatter(
    rows: Rows,
    color: str | None = None,
    tooltip: Sequence[str] = (),
    axes: tuple[str, str] = ("x", "y"),
) -> Chart:
    """Points in a plane without axes; the wheel and the hand move it.

    Args:
        rows: with the fields.
        color: name of the field that points are colored by: numbers, or names,
            of which more than ten are parted by shapes, too.
        tooltip: names of fields that the pointer shows.
        axes: names of the fields along and up.

    Example:
        >>> point = {"x": 0.0, "y": 1.0, "text": "a rose"}
        >>> scatter([point], tooltip=["text"])["mark"]["type"]
        'point'
    """
    plain = altair.Axis(labels=False, ticks=False, domain=False, title=None)
    encoding: dict[str, Any] = {
        name: kind(
            field,
            type="quantitative",
            axis=plain,
            scale=altair.Scale(zero=False),
        )
        for field, name, kind in zip(
            axes, ("x", "y"), (altair.X, altair.Y), strict=True
        )
    }
    encoding["tooltip"] = _shown(rows, tooltip)
    mark: dict[str, Any] = {"size": 36, "opacity": 0.75, "filled": True}
    if color is None:
        mark["color"] = _COLOR
    elif _type(rows, color) == "quantitative":
        encoding["color"] = altair.Color(color, type="quantitative")
    else:
        encoding |= _of_names(rows, color)
    chart = altair.Chart(_data(rows), width="container", height=2 * _HEIGHT)
    return chart.mark_point(**mark).encode(**encoding).interactive().to_dict()


def heatmap(
    rows: Rows, x: str, y: str, value: str, number_format: str = ",d"
) -> Chart:
    """A rectangle for each pair, with its value in it where there is room.

    Args:
        rows: with the fields, a row a pair.
        x: name of the field along.
        y: name of the field down.
        value: name of the field that colors.
        number_format: of the values, as d3 has them, such as ".0%"; whole
            numbers if it is left out.

    Example:
        >>> row = {"predicted": "a", "true": "b", "documents": 3}
        >>> len(heatmap([row], "predicted", "true", "documents")["layer"])
        2
    """
    names = list({row[x]: row for row in rows}.values())
    height = max(1.5 * _HEIGHT, _LINE * len({row[y] for row in rows}))
    base = altair.Chart(_data(rows), width="container", height=height)
    base = base.encode(
        x=altair.X(x, type="nominal", sort=None, axis=_names_axis(names, x)),
        y=altair.Y(y, type="nominal", sort=None),
        tooltip=_shown(rows, [y, x, value]),
    )
    largest = max((row[value] for row in rows), default=0)
    colors = altair.Scale(scheme="blues", domain=[0, largest])
    legend = altair.Legend(format=number_format)
    boxes = base.mark_rect().encode(
        color=altair.Color(
            value, type="quantitative", scale=colors, legend=legend
        )
    )
    has_room = f"width > {len(names) * _NUMBER_WIDTH}"
    is_dark = altair.datum[value] > largest / 2
    numbers = base.mark_text().encode(
        text=altair.condition(
            has_room,
            altair.Text(value, type="quantitative", format=number_format),
            altair.value(""),
        ),
        color=altair.condition(
            is_dark, altair.value("white"), altair.value("#222")
        ),
    )
    return (boxes + numbers).to_dict()


def diagonal(rows: Rows, x: str, y: str, tooltip: Sequence[str]) -> Chart:
    """Points beside the line on which x is y, both from 0 to 1.

    Args:
        rows: with the fields.
        x: name of the field along.
        y: name of the field up.
        tooltip: names of fields that the pointer shows besides.

    Example:
        >>> row = {"said": 0.9, "true": 0.8, "documents": 7}
        >>> len(diagonal([row], "said", "true", ["documents"])["layer"])
        2
    """
    unit = altair.Scale(domain=[0, 1])
    ends = [{x: 0, y: 0}, {x: 1, y: 1}]
    encoding = {
        "x": altair.X(x, type="quantitative", scale=unit),
        "y": altair.Y(y, type="quantitative", scale=unit),
    }
    ideal = (
        altair.Chart(_data(ends))
        .mark_line(strokeDash=[4, 4], color="#888")
        .encode(**encoding)
    )
    points = (
        altair.Chart(_data(rows), width="container", height=_HEIGHT)
        .mark_line(point=True, color=_COLOR)
        .encode(**encoding, tooltip=_shown(rows, [x, y, *tooltip]))
    )
    return (ideal + points).properties(width="container").to_dict()


def _spec(
    rows: Rows, mark: str, encoding: Mapping[str, Any], **options: Any
) -> Chart:
    chart = altair.Chart(_data(rows), width="container", height=_HEIGHT)
    chart = getattr(chart, f"mark_{mark}")(**options)
    return chart.encode(**encoding).to_dict()


def _shown(rows: Rows, names: Sequence[str]) -> list[altair.Tooltip]:
    """What the pointer shows of a row."""
    return [
        altair.Tooltip(name, type=_type(rows, name), title=name)
        for name in names
    ]


def _axis(rows: Rows, name: str) -> altair.Axis:
    """Of whole numbers: ticks at those that are there, if they are few."""
    values = sorted({row[name] for row in rows})
    if any(value != int(value) for value in values):
        return altair.Axis(format=".1~f")
    if len(values) <= _FEW:
        return altair.Axis(values=values, format="d")
    return altair.Axis(tickMinStep=1, format="d")


def _names_axis(rows: Rows, name: str) -> altair.Axis:
    """Of names: a few short ones stand upright."""
    longest = max((len(str(row[name])) for row in rows), default=0)
    is_upright = len(rows) <= _FEW and longest <= _SHORT
    # Where they are too many for the width, some are left out.
    angle = 0 if is_upright else -90
    return altair.Axis(labelAngle=angle, labelOverlap="greedy")


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _type(rows: Rows, name: str) -> Any:
    """Of no rows, either would do."""
    is_number = all(isinstance(row[name], (int, float)) for row in rows[:1])
    return "quantitative" if is_number else "nominal"


def _of_names(rows: Rows, field: str) -> dict[str, Any]:
    """Colors of names, and shapes where there are more names than colors."""
    scale = _scale(rows, field)
    encoding: dict[str, Any] = {
        "color": altair.Color(field, type="nominal", scale=scale)
    }
    names = scale["domain"]
    if len(names) > len(_COLORS):
        number = len(_SHAPES)
        shapes = [
            _SHAPES[place // len(_COLORS) % number]
            for place in range(len(names))
        ]
        encoding["shape"] = altair.Shape(
            field,
            type="nominal",
            scale=altair.Scale(domain=names, range=shapes),
        )
    return encoding


def _scale(rows: Rows, field: str) -> altair.Scale:
    """A color for each name, in the order of the names."""
    is_number = _type(rows, field) == "quantitative"
    names = sorted({row[field] for row in rows}, key=None if is_number else str)
    colors = [_COLORS[place % len(_COLORS)] for place in range(len(names))]
    return altair.Scale(domain=names, range=colors)


def _data(rows: Iterable[Mapping[str, Any]]) -> altair.InlineData:
    return altair.InlineData(values=[dict(row) for row in rows])
