"""Converts functions of presets to ONNX and TFLite, and compares their answers.

    pip install tf2onnx onnxruntime
    python benchmarks/other_formats.py

Two lines for each preset: the greatest difference between what ONNX and the
model answer, over five sentences of different lengths at once, and whether
TFLite has operations of its own for it; or what the converters say.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx

from keras_textgen import from_preset

OPSET = 17
TEXTS = (
    "the union is strong .",
    "war",
    "we must fund our schools .",
    "our relations with foreign powers are peaceful .",
    "i thank you , and god bless the united states of america .",
)
TOKENS = (tf.TensorSpec([None, None], tf.int32, name="tokens"),)
BAGS = (
    tf.TensorSpec([None, None], tf.int32, name="columns"),
    tf.TensorSpec([None, None], tf.float32, name="counts"),
)
DOCUMENTS = (tf.TensorSpec([None, None, None], tf.int32, name="tokens"),)
# Preset: what is converted of it, and its inputs.
CONVERTED = {
    **dict.fromkeys(
        (
            "hdgm_sotu",
            "vae_sotu",
            "lstm_vae_sotu",
            "lstm_vae_avg_sotu",
            "hsvae_sotu",
            "mat_vae_sotu",
        ),
        ("encode", TOKENS),
    ),
    "prodlda_sotu": ("encode_bags", BAGS),
    "sae_sotu": ("encode_bags", BAGS),
    "han_sotu": ("classify_tokens", DOCUMENTS),
}


def inputs_of(
    model: Any, specs: Sequence[tf.TensorSpec]
) -> dict[str, np.ndarray]:
    """The sentences, as arrays by the names of the inputs."""
    if specs is TOKENS:
        return {"tokens": model.vocabulary(TEXTS).numpy()}
    tokens = model.vocabulary.tokenize(TEXTS).to_tensor().numpy()
    if specs is DOCUMENTS:
        return {"tokens": tokens[:, np.newaxis]}
    # A word that occurs twice is two columns with a count of 1 each; padding
    # is a column without one.
    known = tokens > 3
    columns = np.where(known, tokens - 4, 0).astype("int32")
    return {"columns": columns, "counts": known.astype("float32")}


def by_onnx(
    function: Callable[..., tf.Tensor],
    specs: Sequence[tf.TensorSpec],
    given: Mapping[str, np.ndarray],
) -> str:
    """How far ONNX is from the function, in words."""
    expected = function(*map(tf.constant, given.values())).numpy()
    traced = tf.function(function, autograph=False)
    try:
        graph, _ = tf2onnx.convert.from_function(traced, specs, opset=OPSET)
        session = onnxruntime.InferenceSession(graph.SerializeToString())
    except Exception as error:
        return f"not converted: {reason(error)}"
    (found,) = session.run(None, given)
    return f"{np.abs(found - expected).max():.1e}"


def by_tflite(
    function: Callable[..., tf.Tensor], specs: Sequence[tf.TensorSpec]
) -> str:
    """Whether TFLite has operations for it, in words."""
    traced = tf.function(function, specs, autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [traced.get_concrete_function()]
    )
    try:
        return f"{len(converter.convert()):,} bytes"
    except Exception as error:
        return f"not converted: {reason(error)}"


def reason(error: Exception) -> str:
    """What a converter says of an operation, without its name in the graph."""
    said = str(error)
    found = re.search(r"No Op registered for \w+|'tf\.\w+' op [^\n]+", said)
    return found[0] if found else said.splitlines()[0]


def answers_of(model: Any, name: str) -> Callable[..., tf.Tensor]:
    """The function that is served, with the output that matters alone."""
    function = model.endpoints()[name].function
    wanted = "code" if name.startswith("encode") else "probabilities"
    return lambda *given: function(*given)[wanted]


def main() -> None:
    """Print two lines for each preset."""
    print(
        f"TensorFlow {tf.__version__}, tf2onnx {tf2onnx.__version__}, "
        f"onnxruntime {onnxruntime.__version__}, opset {OPSET}"
    )
    for preset, (name, specs) in CONVERTED.items():
        model = from_preset(preset)
        function = answers_of(model, name)
        onnx = by_onnx(function, specs, inputs_of(model, specs))
        print(f"{preset}, {name}: ONNX: {onnx}")
        print(
            f"{preset}, {name}: TFLite: {by_tflite(function, specs)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
