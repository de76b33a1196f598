"""Figures as elements of pages."""

import html
import io
import warnings
from collections.abc import Mapping

import matplotlib
from matplotlib.figure import Figure


def svg_element(
    figure: Figure, description: str, style: Mapping[str, object]
) -> str:
    """Writes a figure as an element of a page, its text as text.

    A reader's browser has fonts for characters that no font here has.

    Args:
        figure: to be drawn.
        description: of the figure, for those who cannot see it.
        style: settings of Matplotlib that the figure was made with.

    Returns:
        The element, in one that moves sideways where the page is narrow; the
        same figure gives the same one.
    """
    buffer = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    text_as_text = {**style, "svg.fonttype": "none"}
    with matplotlib.rc_context(text_as_text), warnings.catch_warnings():
        # What has no glyph here is measured as a box.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(buffer, format="svg", metadata=metadata)
    text = buffer.getvalue()
    start = text.index("<svg") + len("<svg")
    label = html.escape(description)
    svg = f'<svg role="img" aria-label="{label}"{text[start:]}'
    return f'<div class="figure" tabindex="0">{svg}</div>'
