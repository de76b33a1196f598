"""The map of topics: its points, its list, and that it is well-formed."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from keras_textgen.pages.topic_page import topic_page

TOPICS = np.repeat([0, 1, 2], [30, 20, 10])
CODES = np.eye(4)[TOPICS] + np.linspace(0, 0.1, 240).reshape(60, 4)
LABELS = np.array([0] * 45 + [1] * 15)
WORDS = [["sea", "<ship>"], ["rose"], ["law"], ["none"]]


@pytest.fixture(scope="module")
def page():
    return topic_page(
        CODES,
        TOPICS,
        WORDS,
        title="Topics of <x>",
        note="A note & more",
        labels=LABELS,
        label_names=("poems", "laws"),
    )


def test_every_document_is_a_point_of_its_topic(page):
    svg = page[page.index("<svg") : page.index("</svg>") + len("</svg>")]
    root = ET.fromstring(svg)
    groups = {
        each.get("id"): sum("use" in point.tag for point in each.iter())
        for each in root.iter()
        if (each.get("id") or "").startswith("topic-")
    }
    # A topic without documents is not on the map.
    assert groups == {"topic-0": 30, "topic-1": 20, "topic-2": 10}


def test_list_of_topics(page):
    rows = re.findall(r"<tr id='row-\d'>.*?</tr>", page)
    cells = [re.sub(r"<[^>]+>", "|", row).replace("||", "|") for row in rows]
    assert len(cells) == len(WORDS)
    assert "|0|30|sea, &lt;ship&gt;|poems 100%|" in cells[0]
    assert "|1|20|rose|poems 75%, laws 25%|" in cells[1]
    assert "|3|0|none|" in cells[3]
    assert "<title>Topics of &lt;x&gt;</title>" in page
    assert "A note &amp; more" in page
    # Everything is inside.
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)


def test_one_seed_gives_one_page():
    arguments = (CODES, TOPICS, WORDS)
    pages = [topic_page(*arguments, title="t", seed=1) for _ in range(2)]
    assert pages[0] == pages[1]
    assert "commonest" not in pages[0]


def test_names_are_text_for_the_fonts_of_a_browser():
    # No font here has them; warnings are errors.
    page = topic_page(
        CODES, TOPICS, [["海", "船"], ["薔薇"], ["法"]], title="t"
    )
    svg = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    names = [each for each in svg.iter() if each.tag.endswith("text")]
    texts = ["".join(each.itertext()) for each in names]
    assert sorted(texts) == ["0 海 船", "1 薔薇", "2 法"]
    assert all("sans-serif" in each.get("style") for each in names)


def test_documents_without_a_topic_are_counted_apart():
    topics = TOPICS.copy()
    topics[::20] = -1
    with_them = topic_page(CODES, topics, WORDS, title="t", labels=LABELS)
    has_topic = topics >= 0
    without = topic_page(
        CODES[has_topic],
        TOPICS[has_topic],
        WORDS,
        title="t",
        labels=LABELS[has_topic],
    )
    said = " 3 more have no known word and no topic."
    assert with_them.count(said) == 1
    assert with_them.replace(said, "") == without
