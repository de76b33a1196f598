"""The page on sparse codes, made from models whose codes are known."""

import html
import html.parser
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.views import TokenIds
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.text.hsvae import HSVAE
from keras_textgen.models.text.mat_vae import MATVAE
from keras_textgen.pages.sparsity_page import write_sparsity_page
from keras_textgen.training.metrics_file import read_epochs

WORDS = ["<i>", "&amp;", *(f"w{number}" for number in range(2, 60))]
FIRST_WORD = 4
NAMES = ("R&D <b>", "sports $ and $ play")


class KnownCodes(HSVAE):
    """Dimension d is on where word d is; its count and 1/4 are the mean."""

    def codes_and_mask(self, tokens):
        places = tf.one_hot(tokens - FIRST_WORD, self.latent_dim)
        counts = tf.reduce_sum(places, axis=1)
        return counts + 0.25, counts > 0

    def gate_probability(self, tokens):
        return tf.where(self.is_on(tokens), 0.1, 0.8)

    def code_views(self, tokens, noise):
        del noise
        return {"mean": self.encode_tokens(tokens)}


def corpus_of(texts, labels=None, names=()):
    sequences = tf.ragged.constant(
        [[2, *[FIRST_WORD + word for word in text], 3] for text in texts],
        tf.int32,
    )
    return TokenIds(
        "one & two",
        sequences,
        sequences,
        sequences,
        labels={} if labels is None else {"test": np.array(labels)},
        label_names=names,
        note="a note: 1 < 2",
        vocabulary=Vocabulary(WORDS, standardize="none"),
    )


@pytest.fixture(scope="module")
def texts():
    """The first class has words 0 to 3, the second 2 and 10 to 12."""
    rng = np.random.default_rng(0)
    pools = ([0, 1, 2, 3], [2, 10, 11, 12])
    return [
        rng.choice(pools[row % 2], 4).tolist() + [20] * (row == 7)
        for row in range(30)
    ]


@pytest.fixture(scope="module")
def corpus(texts):
    return corpus_of(texts, np.arange(30) % 2, NAMES)


@pytest.fixture(scope="module")
def model(corpus):
    return KnownCodes(
        corpus.vocabulary, embedding_dim=2, rnn_units=3, latent_dim=60
    )


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "metrics.csv"
    path.write_text(
        "epoch,loss,val_hoyer_sample,val_hoyer_sample_normalized\n"
        "1,9.0,,\n2,8.0,0.25,0.5\n3,7.0,0.5,0.75\n"
    )
    return read_epochs(path)


@pytest.fixture(scope="module")
def page(model, corpus, metrics, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_sparsity_page(path, model, corpus, metrics)
    return path.read_text("utf-8")


class Reader(html.parser.HTMLParser):
    """The texts of some elements, by tag, and all addresses."""

    def __init__(self, page):
        super().__init__()
        self.texts = {"h2": [], "h3": [], "dt": [], "dd": [], "tr": []}
        self.articles = []
        self.addresses = []
        self.tags = set()
        self._open = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.addresses += [
            value for name, value in attributes if name[-4:] in ("href", "src")
        ]
        if tag == "article":
            self.articles.append([])
        if tag in self.texts:
            self._open = tag
            self.texts[tag].append([])
            if tag == "tr" and self.articles:
                self.articles[-1].append(self.texts[tag][-1])

    def handle_endtag(self, tag):
        if tag == self._open:
            self._open = None

    def handle_data(self, data):
        if self._open:
            self.texts[self._open][-1].append(data)

    def joined(self, tag):
        return ["".join(pieces) for pieces in self.texts[tag]]


def figures(page):
    """Figures by description, each the texts in it."""
    found = {}
    for svg in re.findall(r"<svg role.*?</svg>", page, re.DOTALL):
        root = ElementTree.fromstring(svg)
        texts = [each.text for each in root.iter() if each.tag[-5:] == "}text"]
        found[root.get("aria-label")] = texts
    return found


def test_facts_by_hand(page, texts):
    reader = Reader(page)
    facts = dict(zip(reader.joined("dt"), reader.joined("dd"), strict=True))
    used = {word for text in texts for word in text}
    average = np.mean([len(set(text)) for text in texts])
    assert facts == {
        "texts of the test set": "30",
        "dimensions of a code": "60",
        "dimensions on per text, mean": f"{average:.1f}",
        "dimensions on for no text": str(60 - len(used)),
        "dimensions on for every text": "0",
    }


def test_dimensions_stand_with_their_class(page, texts):
    shown = figures(page)["Share of texts with a dimension on, by class"]
    # They are counted from 1.
    numbers = [each for each in shown if re.fullmatch(r"\d+", each)]
    dimensions = [int(each) - 1 for each in numbers]
    used = [{w for text in texts[c::2] for w in text} for c in (0, 1)]
    # Word 2 is as common in both classes, and tells nothing.
    counts = [sum(2 in text for text in texts[c::2]) for c in (0, 1)]
    assert counts[0] == counts[1] > 0
    start = max(map(dimensions.index, used[0] - {2}))
    end = min(map(dimensions.index, used[1] - {2}))
    assert start < end
    # What follows are the numbers of the color bars.
    number = len(used[0] | used[1]) - 1
    assert set(dimensions[:number]) == (used[0] | used[1]) - {2}
    for name in NAMES:
        assert shown.count(name) == 2


def test_curves_and_figures(page):
    found = figures(page)
    assert len(found) == 4
    assert {"sample", "sample, normalized", "epoch"} < set(
        found["Hoyer's measure by epoch"]
    )
    assert "E[gamma]" in found["How likely is a dimension to be off?"]


def test_neighbors_share_the_most_dimensions(page, texts):
    codes = np.array([np.bincount(text, minlength=60) for text in texts])
    masked = np.where(codes > 0, codes + 0.25, 0)
    reader = Reader(page)
    spoken = [" ".join(WORDS[word] for word in text) for text in texts]
    headings = reader.joined("h3")
    assert len(headings) == len(reader.articles) == 6
    for heading, (_, *rows) in zip(headings, reader.articles, strict=True):
        own = spoken.index(heading)
        cosines = masked @ masked[own]
        cosines /= np.linalg.norm(masked, axis=1) * np.linalg.norm(masked[own])
        shared = ((codes > 0) & (codes[own] > 0)).sum(axis=1)
        by_text = {
            text: (shared[row], round(cosines[row], 2))
            for row, text in enumerate(spoken)
            if text != heading and shared[row]
        }
        expected = sorted(by_text.values(), reverse=True)[:5]
        found = [(int(row[0]), float(row[1])) for row in rows]
        assert found == expected
        for shared_here, cosine, name, text, *_ in rows:
            row = spoken.index(text)
            assert by_text[text] == (int(shared_here), float(cosine))
            assert name == NAMES[row % 2]


def test_what_users_wrote_is_escaped(page):
    reader = Reader(page)
    assert not reader.tags & {"i", "script", "img", "link", "iframe"}
    assert "<b>" not in page.replace("<span class='chip'><b>", "")
    assert "R&amp;D &lt;b&gt;" in page
    assert "a note: 1 &lt; 2" in page
    assert any("<i>" in heading for heading in reader.joined("h3"))
    # A word that looks like an entity is shown as it is.
    assert "&amp;amp;" in page


def test_page_needs_nothing_else(page):
    addresses = Reader(page).addresses
    assert all(each.startswith(("#", "data:")) for each in addresses)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_page_repeats(model, corpus, metrics, page, tmp_path):
    write_sparsity_page(tmp_path / "again.html", model, corpus, metrics)
    assert (tmp_path / "again.html").read_text("utf-8") == page


def test_without_labels_and_record(model, texts, tmp_path):
    path = tmp_path / "page.html"
    write_sparsity_page(path, model, corpus_of(texts))
    page = path.read_text("utf-8")
    assert "one &amp; two has no labels." in page
    assert "There is no record by epoch." in page
    assert list(figures(page)) == ["How likely is a dimension to be off?"]
    assert len(Reader(page).articles) == 6


def test_where_nothing_is_on(model, tmp_path):
    path = tmp_path / "page.html"
    write_sparsity_page(path, model, corpus_of([[-3], [-3, -3]], [0, 1]))
    page = path.read_text("utf-8")
    assert "No dimension is on for any text." in page
    assert "None: for each of the 60 dimensions" in page
    assert "Share of texts with" not in page


def test_model_without_gamma(corpus, tmp_path):
    model = MATVAE(
        corpus.vocabulary, embedding_dim=2, rnn_units=3, latent_dim=5
    )
    path = tmp_path / "page.html"
    write_sparsity_page(path, model, corpus)
    page = path.read_text("utf-8")
    assert "MATVAE has no gamma, so this is the size of the" in page
    assert "E[gamma]" not in page
    assert "size of the mean" in figures(page)["How large are the means?"]
