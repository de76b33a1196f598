"""The softmax autoencoder as keras-aquarium has it: targets are the inputs."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_textgen.aquarium.arguments import OF_KERAS, check_others
from keras_textgen.checks import SIZES, SWITCHES, check, refused
from keras_textgen.data.batches.bags import BagData, Bags
from keras_textgen.models.topics.sae import SoftmaxAutoencoder

# Names of the model's loss.
_DIVERGENCE = ("kullback_leibler_divergence", "kl_divergence")


@keras.saving.register_keras_serializable("keras_textgen.aquarium")
class SoftmaxAutoEncoder(SoftmaxAutoencoder):
    """`keras_textgen.SoftmaxAutoencoder`, called as in keras-aquarium.

    It is compiled with Nadam. Its data are bags of words, sparse or dense rows
    of counts; targets, which are the same rows once more, are dropped.

    Args:
        input_dim: Number of words V.
        latent_dim: Width D of a code.
        encoder: From sparse rows [batch, V] to [batch, any], in place of the
            rows: a layer, or a function of Keras's operations and layers, which
            is called once.
        decoder: From codes to [batch, any], in place of the codes; like
            `encoder`.
        activation: None or "tanh".
        loss: None or the Kullback-Leibler divergence, which is the model's.
        use_tied_layer: Whether the decoder uses the kernel of the encoder;
            without a meaning beside an encoder or decoder.
        use_binary_activation: Where `activation` is None, whether codes are
            1 / (1 + exp(-alpha u)) or tanh(u).
        alpha: Steepness of the first.
        **kwargs: As in `GlobalBatchModel`, such as `seed`.

    Raises:
        ValueError: If an argument is not allowed.

    Example:
        >>> bags = np.eye(4, dtype=np.float32)
        >>> model = SoftmaxAutoEncoder(input_dim=4, latent_dim=2)
        >>> history = model.fit(bags, bags, epochs=2, verbose=0)
        >>> model.get_latent_code(bags).shape
        (4, 2)
    """

    default_batch_size = 32

    def __init__(
        self,
        input_dim: int,
        latent_dim: int = 50,
        encoder: Callable | None = None,
        decoder: Callable | None = None,
        activation: str | None = None,
        loss: Any = None,
        use_tied_layer: bool = True,
        use_binary_activation: bool = True,
        alpha: float = 50,
        **kwargs: Any,
    ) -> None:
        check(SIZES, input_dim=input_dim, latent_dim=latent_dim)
        check(
            SWITCHES,
            use_tied_layer=use_tied_layer,
            use_binary_activation=use_binary_activation,
        )
        check_others(kwargs, "SoftmaxAutoencoder")
        _check_loss(loss)
        if activation not in (None, "tanh"):
            raise refused(f"activation={activation!r}", "None or 'tanh'")
        is_binary = activation is None and use_binary_activation
        super().__init__(
            num_words=input_dim,
            latent_dim=latent_dim,
            activation="binary" if is_binary else "tanh",
            alpha=alpha,
            tied=use_tied_layer and encoder is None and decoder is None,
            encoder=_called_once(encoder, input_dim, sparse=True),
            decoder=_called_once(decoder, latent_dim, sparse=False),
            **kwargs,
        )
        self.compile(keras.optimizers.Nadam())

    def compile(
        self,
        optimizer: str | dict | keras.optimizers.Optimizer = "rmsprop",
        loss: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """As in Keras; the loss is the Kullback-Leibler divergence.

        Raises:
            ValueError: For another loss, or what the model refuses.
        """
        _check_loss(loss)
        super().compile(optimizer, None, *args, **kwargs)

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """As in the model; targets are dropped.

        Args:
            *args: As in `keras.Model.fit`; y, or the second part of what a
                generator gives, is not used.
            **kwargs: The same. `steps_per_epoch` may be documents / batch_size;
                a part of a step is a whole one.
        """
        if kwargs.get("steps_per_epoch") is not None:
            kwargs["steps_per_epoch"] = math.ceil(kwargs["steps_per_epoch"])
        return super().fit(*args, **kwargs)

    def fit_generator(
        self, generator: Any, steps_per_epoch: float, **kwargs: Any
    ) -> keras.callbacks.History:
        """`fit` on a generator, by the name that Keras had for it.

        Args:
            generator: Gives pairs of rows of counts, sparse or dense, and
                targets, without end.
            steps_per_epoch: Steps of an epoch.
            **kwargs: As in `fit`.
        """
        return self.fit(generator, steps_per_epoch=steps_per_epoch, **kwargs)

    def get_latent_code(self, bags: BagData) -> np.ndarray:
        """Codes of rows of counts, float32 [N, D]."""
        return self.encode(bags)

    def prepared(self, x: Any, y: Any) -> tuple[Bags, None]:
        """As in the model, without targets."""
        del y
        return super().prepared(x, None)

    def _check_targets(self, are_given: bool) -> None:
        del are_given

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        same = ("latent_dim", "encoder", "decoder", "alpha")
        return {name: config[name] for name in (*OF_KERAS, *same)} | {
            "input_dim": self.num_words,
            "use_tied_layer": self.tied,
            "use_binary_activation": self.activation == "binary",
        }


def _check_loss(loss: Any) -> None:
    if loss is None or loss is keras.losses.kl_divergence:
        return
    if isinstance(loss, keras.losses.KLDivergence):
        return
    if not isinstance(loss, str) or loss not in _DIVERGENCE:
        raise refused(
            f"loss={loss!r}",
            "None or 'kl_divergence', which is the model's own",
        )


def _called_once(
    function: Callable | None, width: int, sparse: bool
) -> keras.Layer | None:
    """A layer of what a function makes of rows [batch, width]."""
    if function is None or isinstance(function, keras.Layer):
        return function
    rows = keras.Input([width], sparse=sparse)
    return keras.Model(rows, function(rows))
