"""Prints what a softmax without the mask gives to what is never predicted.

    python docs/results/unused_mass.py --run_dir=DIR

Reads the model of a text model's run and the test set that its flags name.
Padding and the start token have no probability (docs/likelihoods.md); models
were once trained and scored with a softmax in which they had some. The mean
probability of the two over the predicted tokens is printed, and how many nats
a sequence's `nll` is lower without them.
"""

import argparse
import sys
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_textgen.cli.settings import RunError, read_flagfile
from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.layers.masking import NEVER_PREDICTED
from keras_textgen.tasks.base import load_run
from keras_textgen.tasks.text import TextTask
from keras_textgen.training.run_directory import RunDirectory

BATCH_SIZE = 16


class Unused(NamedTuple):
    """Means over a set.

    Attributes:
        mass: Probability of the tokens that are never predicted, by token.
        nats: -log(1 - mass), summed over a sequence's tokens, by sequence.
    """

    mass: float
    nats: float


def unused(model: keras.Model, batches: tf.data.Dataset) -> Unused:
    """Measure the softmax of a text model without its mask.

    Args:
        model: The model; it cannot be used for anything else afterwards.
        batches: Tokens, int32 [batch, time].

    Returns:
        Means over the samples that the model draws in evaluation.
    """
    layer = model.output_layer

    def sums(hidden: tf.Tensor, tokens: tf.Tensor, noise: None) -> tf.Tensor:
        """Mass and nats, summed over time, in place of log-likelihoods."""
        del noise
        rows, time = tf.unstack(tf.shape(hidden)[:2])
        copies = rows // tf.shape(tokens)[0]
        targets = tf.repeat(tokens[:, 1:], copies, axis=0)
        index = tf.where(targets != 0)
        states = tf.cast(tf.gather_nd(hidden, index), tf.float32)
        probabilities = tf.nn.softmax(
            tf.matmul(states, layer.kernel) + layer.bias
        )
        mass = tf.gather(probabilities, NEVER_PREDICTED, axis=1)
        mass = tf.reduce_sum(mass, axis=1)
        values = tf.stack([mass, -tf.math.log1p(-mass)], axis=1)
        shape = tf.cast([rows, time, 2], index.dtype)
        return tf.reduce_sum(tf.scatter_nd(index, values, shape), axis=1)

    # Whatever a model does with log-likelihoods, such as means over samples,
    # it now does with these.
    model.hidden_log_likelihood = sums
    evaluate = tf.function(
        lambda tokens: model(tokens, training=False),
        input_signature=[tf.TensorSpec([None, None], tf.int32)],
        autograph=False,
    )
    totals = tf.zeros([2], tf.float64)
    num_tokens = num_sequences = 0
    for tokens in batches:
        outputs = evaluate(tokens)
        of_sequences = tf.cast(-outputs["nll"], tf.float64)
        totals += tf.reduce_sum(of_sequences, axis=0)
        num_tokens += int(tf.reduce_sum(outputs["num_tokens"]))
        num_sequences += len(tokens)
    mass, nats = totals.numpy()
    return Unused(mass / num_tokens, nats / num_sequences)


def main(argv: list[str]) -> int:
    """Print the figures of a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run_dir", required=True, help="folder of a run")
    directory = RunDirectory(parser.parse_args(argv).run_dir)
    try:
        model = load_run(directory)
        task = TextTask(read_flagfile(directory.flags_file))
    except RunError as error:
        print(error, file=sys.stderr)
        return 2
    if not task.fits(model):
        print(f"{directory.path}: its data have changed", file=sys.stderr)
        return 2
    test = SequenceBatches(task.corpus.test, BATCH_SIZE)
    figures = unused(model, test.evaluation_dataset())
    print(
        f"{directory.path.name}: {figures.mass:.3g} of the probability, "
        f"{figures.nats:.4f} nats a sequence ({test.num_sequences:,} test "
        "sequences)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
