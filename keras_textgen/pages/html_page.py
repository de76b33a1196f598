"""What the pages of a run have in common."""

import html

_CSS = """\
:root { color-scheme: light; }
body { margin: 2.5rem auto; max-width: 62rem; padding: 0 1.5rem;
  background: #fff; color: #222; font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; font-weight: 600; margin: 0 0 1rem; }
h2 { font-size: 1.2rem; font-weight: 600; margin: 0 0 .3rem; }
h3 { font-size: 1rem; font-weight: 600; margin: 0; }
svg { display: block; height: auto; width: 100%; }
table { border-collapse: collapse; font-size: .88rem; width: 100%; }
th { color: #4a5560; font-weight: 400; text-align: left; }
th, td { border-bottom: 1px solid #e6eaee; padding: .3rem .9rem .3rem 0;
  vertical-align: top; }
.caption { color: #4a5560; font-size: .9rem; margin: 0 0 .8rem;
  max-width: 46rem; }
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
