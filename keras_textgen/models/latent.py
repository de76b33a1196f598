"""What all models with latent variables share, whatever they read."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, check, refused
from keras_textgen.models.likelihood_model import LikelihoodModel
from keras_textgen.models.remedies import Remedy
from keras_textgen.noise import NoNoise, RowNoise, TextNoise
from keras_textgen.objectives.free_bits import check_floors, free_bits
from keras_textgen.objectives.importance_weights import (
    importance_weighted_bound,
)
from keras_textgen.private_workers import strategy_of


class Inference(NamedTuple):
    """One sample of the latent variables for each of N rows.

    Attributes:
        code: What the decoder starts from, [N, code_size].
        kl_parts: The KL term of the objective in nats by dimension of the
            latent variables, [N, P].
        log_ratio: log q(z|x) - log p(z) at the sample, [N]; None where the
            objective has no joint density to weigh a sample by.
    """

    code: tf.Tensor
    kl_parts: tf.Tensor
    log_ratio: tf.Tensor | None

    @property
    def kl(self) -> tf.Tensor:
        """The KL term as a whole, [N]."""
        return tf.reduce_sum(self.kl_parts, axis=-1)


class LatentModel(LikelihoodModel):
    """Base of the variational models; it knows nothing of what they read.

    A model says what its posterior and prior are; "kl_parts" of its `call`,
    in training, is what the KL term is made of. Beside another base, for what
    is read, this one comes first: `class LatentTextModel(LatentModel,
    TextModel)`.

    Args:
        *args: As in the base beside this one.
        latent_dim: Dimension Z of a latent variable.
        kl_schedule: Weight of the KL as a function of the training step; None
            for 1 throughout.
        free_bits: Floor of the KL in nats, below which the training loss does
            not push it (Kingma et al. 2016, appendix C.8).
        free_bits_per_dimension: The same for each dimension of the latent
            variables; only one of the two floors can be above 0.
        remedies: What else keeps the posterior from collapsing.
        **kwargs: As in `LikelihoodModel` and the base beside this one.

    Raises:
        ValueError: If a setting is out of its range.
    """

    def __init__(
        self,
        *args: Any,
        latent_dim: int = 16,
        kl_schedule: Callable[[tf.Tensor], tf.Tensor] | None = None,
        free_bits: float = 0.0,
        free_bits_per_dimension: float = 0.0,
        remedies: Sequence[Remedy] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        check(SIZES, latent_dim=latent_dim)
        check_floors(free_bits, free_bits_per_dimension)
        if not (kl_schedule is None or callable(kl_schedule)):
            raise refused(
                f"kl_schedule={kl_schedule!r}",
                "None, a schedule of keras_textgen.schedules, or another "
                "function of the step",
            )
        self.latent_dim = latent_dim
        self.kl_schedule = kl_schedule
        self.free_bits = free_bits
        self.free_bits_per_dimension = free_bits_per_dimension
        self.remedies = tuple(remedies)
        for remedy in self.remedies:
            remedy.attach(self)
        # The step at which the KL schedule begins; before it the weight is 0.
        self.annealing_start = self._counter("annealing_start")

    # -- What a model adds ---------------------------------------------------

    @property
    def encoder_layers(self) -> list[keras.Layer]:
        """The layers that only the posterior depends on."""
        raise NotImplementedError

    def read(self, x: tf.Tensor) -> tf.Tensor:
        """Features of the posterior, [batch, features]."""
        raise NotImplementedError

    def infer(
        self, features: tf.Tensor, noise: RowNoise | NoNoise
    ) -> Inference:
        """Draw one sample of the latent variables for each row."""
        raise NotImplementedError

    def prior_code(self, num_rows: tf.Tensor, noise: RowNoise) -> tf.Tensor:
        """Draw codes [num_rows, code_size] from the prior."""
        raise NotImplementedError

    @property
    def code_size(self) -> int:
        """Width of a code: of one latent variable, if nothing else is said."""
        return self.latent_dim

    def posterior(self, x: tf.Tensor) -> Any:
        """q(z | x) as a tfp distribution with batch shape [batch]."""
        raise NotImplementedError

    @property
    def prior(self) -> Any:
        """p(z) as a tfp distribution."""
        raise NotImplementedError

    @property
    def has_prior(self) -> bool:
        """Whether the model can generate from a prior, and weigh by one."""
        return True

    def importance_noise(self, x: tf.Tensor, seed: tf.Tensor) -> TextNoise:
        """Noise of the samples that importance weights are of."""
        raise NotImplementedError

    def samples_at_once(self, x: tf.Tensor) -> tf.Tensor:
        """How many samples of each row fit into memory, int32 []."""
        raise NotImplementedError

    def log_weights(
        self,
        features: tf.Tensor,
        x: tf.Tensor,
        noise: RowNoise,
        num_samples: int | tf.Tensor,
    ) -> tf.Tensor:
        """Log importance weights of so many samples, [num_samples, batch]."""
        raise NotImplementedError

    # -- The objective -------------------------------------------------------

    def kl_weight(self) -> tf.Tensor:
        """Weight of the KL in the training loss at the current step."""
        step = tf.convert_to_tensor(self.train_steps) - self.annealing_start
        has_begun = tf.cast(step >= 0, tf.float32)
        if self.kl_schedule is None:
            return has_begun
        return has_begun * self.kl_schedule(tf.maximum(step, 0))

    def weighted_kl_parts(self, kl_parts: tf.Tensor) -> tf.Tensor:
        """The KL's parts [batch, P] as the training loss weighs them."""
        return kl_parts

    def training_losses(
        self,
        outputs: dict[str, tf.Tensor],
        kl_weight: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """What is minimized: nll, the KL above its floor, and remedies."""
        kl = free_bits(
            self.weighted_kl_parts(outputs["kl_parts"]),
            total=self.free_bits,
            per_dimension=self.free_bits_per_dimension,
            sample_weight=sample_weight,
        )
        losses = outputs["nll"] + kl_weight * kl
        for remedy in self.remedies:
            losses = remedy.added_to(losses, outputs)
        return losses

    @property
    def refuses_weights(self) -> str | None:
        """Which remedy, if one does, takes no weights of rows."""
        for remedy in self.remedies:
            if remedy.refuses_weights:
                return remedy.refuses_weights
        return super().refuses_weights

    def selected_gradients(
        self, gradients: list[tf.Tensor], outputs: dict[str, tf.Tensor]
    ) -> list[tf.Tensor]:
        """The gradients as the remedies leave them."""
        for remedy in self.remedies:
            gradients = remedy.selected(self, gradients, outputs)
        return gradients

    # -- Bounds by importance weights ----------------------------------------

    def log_importance_weights(
        self, x: tf.Tensor, num_samples: int | tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        """log p(x | z_k) + log p(z_k) - log q(z_k | x), z_k from q(z | x).

        Args:
            x: What the model reads, [batch, ...].
            num_samples: K.
            seed: int32 [2].

        Returns:
            float32 [K, batch], nats.

        Raises:
            ValueError: If the model defines no likelihood.
        """
        noise = self.importance_noise(x, seed).of_samples(0, num_samples)
        return self.log_weights(self.read(x), x, noise, num_samples)

    def importance_weighted_bound(
        self, x: tf.Tensor, num_samples: tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        """Lower bound of log p(x) of x [batch, ...]: float32 [batch], nats."""
        features, noise = self.read(x), self.importance_noise(x, seed)
        bound = importance_weighted_bound(
            lambda first, size: self.log_weights(
                features, x, noise.of_samples(first, size), size
            ),
            batch_size=tf.shape(x)[0],
            num_samples=num_samples,
            block_size=self.samples_at_once(x),
        )
        return tf.cast(bound, tf.float32)

    # -- The encoder's weights and the others --------------------------------

    def encoder_variables(self) -> list[keras.Variable]:
        """The trainable variables that only the posterior depends on."""
        # The levels of a deep posterior share their memory.
        distinct = {
            id(variable): variable
            for layer in self.encoder_layers
            for variable in layer.trainable_variables
        }
        return [*distinct.values()]

    def posterior_variables(self) -> list[keras.Variable]:
        """The variables that the posterior depends on, shared ones, too."""
        return self.encoder_variables()

    def reset_decoder(self) -> None:
        """Give all that the posterior does not depend on fresh values.

        They are a function of the seed, and other than the first ones. Keras's
        global generator is seeded on the way.
        """
        keras.utils.set_random_seed(self.seed + 1)
        config = {**self.get_config(), "seed": self.seed + 1}
        with strategy_of(self).scope():
            fresh = self.from_config(config)
        kept = {id(variable) for variable in self.posterior_variables()}
        for variable, value in zip(
            self.trainable_variables, fresh.trainable_variables, strict=True
        ):
            if id(variable) not in kept:
                variable.assign(value)

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "kl_schedule": keras.saving.serialize_keras_object(
                self.kl_schedule
            ),
            "free_bits": self.free_bits,
            "free_bits_per_dimension": self.free_bits_per_dimension,
        }
