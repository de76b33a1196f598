"""What tests of shards share."""

import pytest

from keras_textgen.data.shards import order


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few batches are sorted by length together, so that it is done often."""
    monkeypatch.setattr(order, "WINDOW", 3)
