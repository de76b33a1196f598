"""What the pages of a run have in common."""

import html

_CSS = """\
:root { color-scheme: light dark; --page: #fff; --ink: #222; --dim: #4a5560;
  --line: #e6eaee; --rule: #d8dde3; --card: #f6f8fa; --link: #0b57d0; }
@media (prefers-color-scheme: dark) {
  :root { --page: #1b1e22; --ink: #e4e7ea; --dim: #b4bdc7; --line: #3a4048;
    --rule: #4a515a; --card: #23272d; --link: #8ab8ff; }
}
body { margin: 2.5rem auto; max-width: 62rem; padding: 0 1.5rem;
  background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
a { color: var(--link); }
h1 { font-size: 1.7rem; font-weight: 600; margin: 0 0 1rem; }
h2 { font-size: 1.2rem; font-weight: 600; margin: 0 0 .3rem; }
h3 { font-size: 1rem; font-weight: 600; margin: 0; }
svg { display: block; height: auto; width: 100%; }
/* Drawn in dark ink; smaller, its letters could not be read. */
.figure { background: #fff; border-radius: .3rem; overflow-x: auto; }
.figure svg { min-width: 44rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; width: 100%; }
th { color: var(--dim); font-weight: 400; text-align: left; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .9rem .3rem 0;
  vertical-align: top; }
.caption { color: var(--dim); font-size: .9rem; margin: 0 0 .8rem;
  max-width: 46rem; }
@media (max-width: 40rem) { body { margin: 1rem auto; padding: 0 .8rem; } }
"""


def html_page(title: str, body: str, style: str) -> str:
    """Writes a page that needs nothing beside itself.

    Args:
        title: Of the page, as text.
        body: What follows its heading, in HTML.
        style: CSS of what is the page's own, after that of all pages.

    Returns:
        HTML.

    Example:
        >>> page = html_page("Cats & dogs", "<p>None.</p>", "p { margin: 0; }")
        >>> "<h1>Cats &amp; dogs</h1>" in page
        True
    """
    title = html.escape(title)
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{_CSS}{style}</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
