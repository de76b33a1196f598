"""All figures of a model of any kind on its test set, and their table."""

from typing import Any

from keras_textgen.checks import refused
from keras_textgen.evaluation.classification import format_classification
from keras_textgen.evaluation.likelihoods import format_likelihoods
from keras_textgen.evaluation.matrices import format_matrices
from keras_textgen.evaluation.topics import format_topics


def evaluate_model(
    model: Any, data: Any, *args: Any, **options: Any
) -> dict[str, Any]:
    """Evaluates a model of this package, as a run does at its end.

    The test set of a corpus is meant; training and validation sets serve the
    baselines beside the model.

    - **Text models**, compiled: `data` is what `load_corpus` gives,
      `SequenceBatches`, texts or token ids. Likelihoods and diagnostics, as
      `likelihood_report` says; options: `importance_samples`, `batch_size`,
      `watch`, `kept_bounds`.
    - **Models that classify documents**: what `load_documents` gives, with
      labels, or (documents, labels), for no baseline. Accuracy, macro-F1 and
      the figures of each class, as `classification_report` says, beside a bag
      of words; options: `batch_size`, `watch`.
    - **Topic models** with topics: what `load_documents` gives. Agreement with
      labels, coherence and diversity, beside K-means on tf-idf and on LSA, LDA
      and NMF, and what codes and words say of labels, as `topic_report` says;
      of a model with a likelihood, its bound; option: `watch`.
    - **Models of matrices**: what `load_ratings` gives, or `open_prepared` of
      cells. "figures": errors, with explicit feedback, and rankings, as
      `rating_figures` and `ranking_figures` say, beside a mean, biases and
      popularity.

    Args:
        model: The model.
        data: What to evaluate it on.
        *args: Of text models, `importance_samples`.
        **options: As above.

    Returns:
        "model", the name of its class, and the figures by name.
        `format_table` sets them.

    Raises:
        TypeError: For an option that this kind of model does not take.
        ValueError: For data or options that are not allowed.

    Example:
        >>> from keras_textgen import LSTMLanguageModel, Vocabulary
        >>> model = LSTMLanguageModel(Vocabulary(["red", "rose"]), rnn_units=4)
        >>> model.compile()
        >>> results = evaluate_model(model, ["red rose", "a rose"])
        >>> print(format_table(results).splitlines()[2])
        sequences         2
    """
    if not hasattr(model, "report"):
        raise refused(
            f"model of type {type(model).__name__}", "a model of keras_textgen"
        )
    return model.report(data, *args, **options)


# By a figure that only the reports of this kind have.
_FORMATS = {
    "likelihood_kind": format_likelihoods,
    "classes": format_classification,
    "scores": format_topics,
    "figures": format_matrices,
}


def format_table(results: dict[str, Any]) -> str:
    """Sets the results of `evaluate_model` as text.

    Args:
        results: What `evaluate_model` returned.

    Returns:
        What a run prints of them: aligned tables.

    Example:
        >>> results = {"figures": {"rmse": 0.5}, "relevant_above": None}
        >>> print(format_table(results))
        RMSE  0.5000
    """
    (kind,) = _FORMATS.keys() & results.keys()
    return _FORMATS[kind](results)
