"""The HAN in NumPy, written from the equations of the paper."""

import numpy as np

from tests.models.numpy_reference import (
    attend,
    linear,
    log_softmax,
    run_both_ways,
)
from tests.models.tiny_models import close


def arrays(*weights):
    return [np.asarray(each, np.float64) for each in weights]


def level(encoder, attention):
    """The weights of both directions, and of the attention."""
    cells = [
        direction.layers[0].cell
        for direction in (encoder.forward, encoder.backward)
    ]
    both = [
        [arrays(cell.kernel, cell.recurrent_kernel, cell.bias)]
        for cell in cells
    ]
    pooling = arrays(attention.kernel, attention.bias, attention.context)
    return (*both, pooling)


def pooled(weights, inputs):
    """What a level makes of inputs [time, D], and its attention."""
    forward, backward, (kernel, bias, context) = weights
    outputs = run_both_ways(forward, backward, inputs)
    scores = np.tanh(outputs @ kernel + bias) @ context
    vector = attend((kernel, bias, context), outputs)
    return vector, np.exp(log_softmax(scores))


def reference(model, sentences, of_sentences=1.0, of_document=1.0):
    """Log-probabilities, sentence weights and word weights of a document."""
    (embedding,) = arrays(model.embedding.embeddings)
    words = level(model.word_encoder, model.word_attention)
    found = [pooled(words, embedding[sentence]) for sentence in sentences]
    vector, weights = pooled(
        level(model.sentence_encoder, model.sentence_attention),
        np.stack([vector for vector, _ in found]) * of_sentences,
    )
    output = arrays(model.classifier.kernel, model.classifier.bias)
    logits = linear(output, vector * of_document)
    return logits, weights, [weights for _, weights in found]


def check_parity(model, padded, documents):
    """Assert that a model makes of documents what the equations say.

    Args:
        model: of any settings, but with nothing dropped.
        padded: ids [batch, sentences, words].
        documents: the same as lists.
    """
    outputs = model(padded)
    for row, sentences in enumerate(documents):
        logits, weights, word_weights = reference(model, sentences)
        close(outputs["logits"][row], logits)
        close(outputs["sentence_weights"][row, : len(sentences)], weights)
        for place, expected in enumerate(word_weights):
            found = outputs["word_weights"][row, place, : len(expected)]
            close(found, expected)
