"""docs/performance.md has the tables of the numbers beside the benchmark."""

from benchmarks.versus import page


def test_the_page_is_up_to_date():
    assert page.PAGE.read_text("utf-8") == page.page_with(page.tables())
