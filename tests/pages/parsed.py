"""Pages of HTML, read by elements."""

import html.parser


class Parsed(html.parser.HTMLParser):
    """What a page opens and leaves open, its ids and the targets of links."""

    def __init__(self, page):
        super().__init__()
        self.open, self.ids, self.targets = [], set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids.add(values.get("id"))
        if tag == "a":
            self.targets.append(values["href"])
        if tag not in ("meta", "link", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
