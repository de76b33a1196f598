"""What a served function is, and the rules that served functions share."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.id_checks import checked_tokens

Outputs = dict[str, tf.Tensor]

TEXTS = tf.TensorSpec([None], tf.string, name="texts")
TOKENS = tf.TensorSpec([None, None], tf.int32, name="tokens")
SEED = tf.TensorSpec([], tf.int32, name="seed")


class Endpoint(NamedTuple):
    """A function that is served, and what it takes.

    Attributes:
        function: From tensors to tensors by name.
        inputs: Specs of the arguments that are always given, in their order;
            a spec's name is that of the input.
        options: Specs of the arguments behind them, for which the function has
            defaults.
        also: Specs to take in place of `inputs`, by what their signature's
            name ends in: "tokens" makes `<endpoint>_tokens`.

    Example:
        >>> double = Endpoint(
        ...     lambda x: {"y": 2 * x}, [tf.TensorSpec([None], name="x")]
        ... )
        >>> double.function(tf.constant([4.0]))["y"].numpy().tolist()
        [8.0]
    """

    function: Callable[..., Outputs]
    inputs: Sequence[tf.TensorSpec]
    options: Sequence[tf.TensorSpec] = ()
    also: Mapping[str, Sequence[tf.TensorSpec]] = {}

    def signatures(self, name: str) -> dict[str, Sequence[tf.TensorSpec]]:
        """Specs of the inputs by signature, of the endpoint of this name."""
        return {name: self.inputs} | {
            f"{name}_{end}": specs for end, specs in self.also.items()
        }


def of_texts_or_tokens(
    vocabulary: BaseVocabulary,
    function: Callable[..., Outputs],
    options: Sequence[tf.TensorSpec] = (),
) -> Endpoint:
    """Serve a function of tokens for texts, and for ids as `<name>_tokens`.

    Ids are refused in the graph where `checked_tokens` refuses them. No texts
    are tokens of no rows.

    Args:
        vocabulary: Of the texts.
        function: From tokens, int32 [batch, time], time being 2 or more, and
            the options to tensors by name.
        options: As in `Endpoint`.

    Returns:
        The endpoint; its inputs are `texts`, string [batch], or `tokens`,
        int32 [batch, time].

    Example:
        >>> from keras_textgen.data.vocabulary import Vocabulary
        >>> endpoint = of_texts_or_tokens(
        ...     Vocabulary(["rose"]), lambda tokens: {"tokens": tokens}
        ... )
        >>> endpoint.function(tf.constant(["a rose"]))[
        ...     "tokens"
        ... ].numpy().tolist()
        [[2, 1, 4, 3]]
    """
    traced = traced_once(function, options)

    def of_either(inputs: tf.Tensor, *given: tf.Tensor) -> Outputs:
        if inputs.dtype == tf.string:
            return traced(vocabulary(inputs), *given)
        return traced(_checked(inputs, vocabulary.size), *given)

    return Endpoint(of_either, [TEXTS], options, also={"tokens": [TOKENS]})


def traced_once(
    function: Callable[..., Outputs], options: Sequence[tf.TensorSpec]
) -> Callable[..., Outputs]:
    """A function that is traced with all of its options, whichever are given.

    Those that are not given have their defaults, as constants: so a SavedModel
    holds the function once, and not once for each number of options.

    Args:
        function: From inputs and options, which have defaults.
        options: Specs of them.

    Example:
        >>> def power(x, exponent=2):
        ...     return {"y": x ** tf.cast(exponent, tf.float32)}
        >>> traced = traced_once(power, [tf.TensorSpec([], tf.int32)])
        >>> float(traced(tf.constant(3.0))["y"])
        9.0
    """
    traced = tf.function(function, autograph=False)
    parameters = [*inspect.signature(function).parameters.values()]
    first_option = len(parameters) - len(options)

    def call(*given: tf.Tensor) -> Outputs:
        num_given = max(len(given) - first_option, 0)
        defaults = [
            tf.constant(parameter.default, spec.dtype)
            for parameter, spec in zip(
                parameters[first_option:], options, strict=True
            )
        ]
        return traced(*given, *defaults[num_given:])

    return call


def of_no_texts(endpoints: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """Those that take no strings, and what others take in the place of them.

    Args:
        endpoints: By name.

    Returns:
        Endpoints, named as the signatures of the given ones are.

    Example:
        >>> from keras_textgen.data.vocabulary import Vocabulary
        >>> endpoint = of_texts_or_tokens(
        ...     Vocabulary(["rose"]), lambda tokens: {"tokens": tokens}
        ... )
        >>> list(of_no_texts({"score": endpoint}))
        ['score_tokens']
    """
    found = {}
    for name, endpoint in endpoints.items():
        for signature, specs in endpoint.signatures(name).items():
            if all(spec.dtype != tf.string for spec in specs):
                found[signature] = Endpoint(
                    endpoint.function, specs, endpoint.options
                )
    return found


def _checked(tokens: tf.Tensor, size: int) -> tf.Tensor:
    """Tokens [batch, time] of two columns or more, also where no rows are."""
    tokens = checked_tokens(tokens, size)
    missing = tf.maximum(2 - tf.shape(tokens)[1], 0)
    return tf.pad(tokens, [[0, 0], [0, missing]])


def noise_seed(of_model: int, seed: tf.Tensor | int) -> tf.Tensor:
    """What an input `seed` means everywhere: other noise of the same model.

    Args:
        of_model: The model's own seed.
        seed: int32 scalar, the input.

    Returns:
        The seed of the noise, int32 [2].

    Example:
        >>> noise_seed(7, 0).numpy().tolist()
        [7, 0]
    """
    return tf.stack([of_model, seed])
