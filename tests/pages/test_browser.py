"""Every kind of page in a real browser: drawn, readable, of every width."""

import numpy as np
import pytest

import trainer
from keras_textgen.pages.attention_page import ShownDocument, attention_page
from keras_textgen.pages.report_page import report_page
from keras_textgen.pages.topic_page import topic_page
from tests.browser import check, chromium, opened
from tests.pages.test_attention_page import NAMES, RIGHT, WRONG
from tests.pages.test_report_page import CHARTS, panels_of_all
from tests.tasks.reports.test_reports import run


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def written(folder, name, page):
    path = folder / name
    path.write_text(page, "utf-8")
    return path


def test_every_chart(browser, tmp_path):
    page = report_page("All", panels_of_all())
    path = written(tmp_path, "report.html", page)
    check(browser, path)
    others = ("axis", "legend", "title")
    with opened(browser, path, 390) as (shown, _):
        for name, (_, marks) in CHARTS.items():
            place = shown.locator("section", has_text=f"A {name} chart.")
            kinds = place.locator("[role=graphics-symbol]").evaluate_all(
                "all => all.map(each => each.ariaRoleDescription)"
            )
            drawn = [kind for kind in kinds if kind not in others]
            assert len(drawn) == marks, name


def test_a_chart_that_is_chosen(browser, tmp_path):
    page = report_page("All", panels_of_all())
    path = written(tmp_path, "report.html", page)
    with opened(browser, path) as (shown, said):
        place = shown.locator("section", has_text="Chosen").first
        assert place.locator("svg .mark-symbol path").count() > 0
        before = place.locator("svg").inner_html()
        place.locator("select").select_option(label="by length")
        shown.wait_for_timeout(300)
        assert place.locator("svg").inner_html() != before
        assert said == []


def test_documents_can_be_filtered(browser, tmp_path):
    documents = [
        ShownDocument("First", WRONG, 0),
        ShownDocument("Second", RIGHT._replace(lengths=(4, 9, 2)), 1),
    ]
    path = written(tmp_path, "a.html", attention_page(documents, NAMES, "A"))
    check(browser, path)
    with opened(browser, path) as (page, _):
        first, second = (
            page.locator("article", has_text=name)
            for name in ("First", "Second")
        )
        page.get_by_label("those classified wrong").check()
        assert (first.is_visible(), second.is_visible()) == (True, False)
        # By the keyboard.
        page.keyboard.press("ArrowUp")
        assert (first.is_visible(), second.is_visible()) == (False, True)
        page.keyboard.press("ArrowUp")
        assert (first.is_visible(), second.is_visible()) == (True, True)


def test_a_map_of_topics(browser, tmp_path):
    rng = np.random.default_rng(0)
    topics = np.repeat(np.arange(6), 20)
    codes = 5 * np.eye(6)[topics] + rng.standard_normal([120, 6])
    words = [["government", "business", "law"]] * 6
    page = topic_page(
        codes,
        topics,
        words,
        title="T",
        labels=topics,
        label_names=list("abcdef"),
    )
    check(browser, written(tmp_path, "topics.html", page))


@pytest.mark.parametrize("model", ["hsvae", "han", "sae", "dmf", "lstm_lm"])
def test_the_pages_of_a_run(model, browser, tmp_path):
    folder = tmp_path / "run"
    assert run(model, folder) == 0
    pages = sorted(folder.glob("*.html"))
    more = {"hsvae": ["sparsity"], "han": ["attention"], "sae": ["topics"]}
    assert [page.stem for page in pages] == sorted(
        ["report", *more.get(model, [])]
    )
    for page in pages:
        check(browser, page)


def test_runs_that_are_compared(browser, tmp_path):
    for seed in range(2):
        assert run("dmf", tmp_path / f"{seed}", f"--seed={seed}") == 0
    page = tmp_path / "comparison.html"
    runs = f"--runs={tmp_path / '0'},{tmp_path / '1'}"
    arguments = ["--mode=report", runs, f"--output={page}"]
    assert trainer.main(["trainer.py", *arguments]) == 0
    check(browser, page)
