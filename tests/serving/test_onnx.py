"""`encode` as ONNX, as the docs convert it: the answers of the model."""

import pathlib
import re

import numpy as np
import pytest

pytest.importorskip("tf2onnx", reason="tf2onnx is missing")
pytest.importorskip("onnxruntime", reason="onnxruntime is missing")

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "serving.md"
# Of packages that are not ours.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.slow
def test_the_code_of_the_docs_gives_the_models_answers():
    page = PAGE.read_text("utf-8")
    (code,) = re.findall(
        r"```python\n(import onnxruntime.*?)```", page, re.DOTALL
    )
    found = {}
    exec(code, found)
    model, session = found["model"], found["session"]
    texts = ["the union is strong .", "war", "we must fund our schools ."]
    # Of other numbers of rows and other lengths than it was converted with.
    for chosen in (texts[:1], texts[1:], texts):
        ids = model.vocabulary(chosen).numpy()
        (codes,) = session.run(None, {"tokens": ids})
        np.testing.assert_allclose(
            codes, model.encode(chosen), rtol=1e-4, atol=1e-5
        )
