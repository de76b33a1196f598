"""Pages as a real browser shows them: Playwright, with the Chromium found."""

import contextlib
import importlib.util
import pathlib
from types import ModuleType

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def _screenshots() -> ModuleType:
    """The script, which is no part of a package."""
    path = ROOT / "docs" / "site" / "screenshots.py"
    spec = importlib.util.spec_from_file_location("screenshots", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


screenshots = _screenshots()
WIDTHS = tuple(screenshots.WIDTHS.values())
_DARK = (WIDTHS[0], "dark")
# Of a page that is drawn: what stands beside the page, on other texts, or in
# charts without marks.
_FAULTS = """() => {
  const box = (each) => each.getBoundingClientRect();
  const texts = [...document.querySelectorAll("svg text")].filter(
    // What has no room is there, and cannot be seen.
    (each) => each.textContent.trim() && box(each).width &&
      getComputedStyle(each).opacity !== "0");
  const overlaps = [];
  texts.forEach((one, place) => texts.slice(0, place).forEach((other) => {
    if (one.ownerSVGElement !== other.ownerSVGElement) return;
    const a = box(one), b = box(other);
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 2 && down > 3)
      overlaps.push(`${one.textContent} on ${other.textContent}`);
  }));
  const marks = '[aria-roledescription]:not([aria-roledescription="axis"])' +
    ':not([aria-roledescription="legend"]):not([aria-roledescription="title"])';
  const empty = [...document.querySelectorAll(".chart")].filter(
    (each) => !each.querySelector(`svg ${marks}`));
  return {
    overlaps,
    beside: Math.max(0, document.documentElement.scrollWidth - innerWidth),
    empty: empty.map((each) => each.closest("section").innerText.slice(0, 80)),
    unnamed: document.querySelectorAll(
      ".chart[aria-label='Vega visualization'], button:empty").length,
  };
}"""
_NONE = {"overlaps": [], "beside": 0, "empty": [], "unnamed": 0}


@contextlib.contextmanager
def chromium():
    """A browser; the test is skipped where there is none."""
    with contextlib.ExitStack() as stack:
        try:
            opened = stack.enter_context(screenshots.browser())
        except SystemExit as reason:
            pytest.skip(str(reason))
        yield opened


@contextlib.contextmanager
def opened(browser, address, width=1280, colors="light"):
    """A page that is drawn, and what its console and network have said."""
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=colors
    )
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(request.url))
    if isinstance(address, pathlib.Path):
        address = address.resolve().as_uri()
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:"))
                or said.append(request.url)
            ),
        )
    page.goto(address)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.chart')].every("
        "(each) => each.querySelector('svg'))"
    )
    try:
        yield page, said
    finally:
        page.close()


def check(browser, address, act=lambda page: None):
    """Look at a page at all widths, and in dark colors.

    Args:
        browser: of `chromium`.
        address: a file, or a URL.
        act: what a reader does on the page before it is looked at.
    """
    for width, colors in (*((each, "light") for each in WIDTHS), _DARK):
        with opened(browser, address, width, colors) as (page, said):
            # What is folded is looked at, too.
            page.evaluate(
                "for (const each of document.querySelectorAll('details'))"
                " each.open = true"
            )
            act(page)
            page.wait_for_timeout(100)
            where = f"{address}, {width} pixels, {colors}"
            faults = page.evaluate(_FAULTS)
            assert faults == _NONE, (where, faults)
            assert said == [], where
            check_colors(page, where)


def check_colors(page, where):
    """Letters stand out from what is behind them (WCAG: 4.5 to 1)."""
    faint = page.evaluate(_FAINT)
    assert not faint, (where, faint)


_FAINT = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((each) => {
    const share = each / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }).reduce((sum, each, place) => sum + each * [0.2126, 0.7152, 0.0722][place],
            0);
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(each).backgroundColor);
      layers.push([r, g, b, a]);
      if (a === 1) break;
    }
    return layers.reverse().reduce((under, [r, g, b, a]) =>
      [r, g, b].map((each, place) => a * each + (1 - a) * under[place]),
      [255, 255, 255]);
  };
  const faint = [];
  for (const each of document.querySelectorAll(
      "p, td, th, h1, h2, h3, h4, span, a, summary, pre, label, button")) {
    if (!each.innerText || !each.innerText.trim()) continue;
    const [one, other] = [light(parse(getComputedStyle(each).color)),
                          light(behind(each))].sort((a, b) => b - a);
    if ((one + 0.05) / (other + 0.05) < 4.5)
      faint.push(each.innerText.slice(0, 40));
  }
  return faint.slice(0, 5);
}"""
