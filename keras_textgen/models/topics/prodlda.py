"""ProdLDA: topics as experts whose product is the words of a document."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import SIZES, Numbers, WholeNumbers, check
from keras_textgen.data.batches.bags import Bags
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.distributions.dirichlet import laplace_of_dirichlet
from keras_textgen.distributions.gaussian import diagonal_normal, per_dimension
from keras_textgen.layers.batch_normalization import GlobalBatchNormalization
from keras_textgen.layers.sparse_vectors import sparse_product
from keras_textgen.models.latent import LatentModel
from keras_textgen.models.topics.bag_model import checked_width
from keras_textgen.models.topics.topic_model import TopicModel
from keras_textgen.noise import Noise, RowNoise, TextNoise
from keras_textgen.objectives.word_counts import counts_log_likelihood
from keras_textgen.optimizers import FusedAdam
from keras_textgen.replicas import GlobalRows
from keras_textgen.serving.endpoints import Outputs


@keras.saving.register_keras_serializable("keras_textgen")
class ProdLDA(LatentModel, TopicModel):
    """Variational topic model whose topics are multiplied, not mixed.

    Srivastava and Sutton 2017, "Autoencoding variational inference for topic
    models". Of a bag of words, n [batch, words] being its counts,

        h = dropout(softplus(W2 softplus(W1 n + b1) + b2))
        q(z|n) = N(BN(V h), diag(exp(BN(V' h))))
        p(z) = the Gaussian nearest to Dirichlet(a, ..., a) under a softmax
        theta = softmax(z)
        log p(n|z) = sum of n_w log softmax(BN(dropout(theta) beta))_w

    BN is batch normalization with an offset, without a scale. "nll" is
    -log p(n|z) at one sample, in nats a document: that of its words in their
    order, without the multinomial coefficient, which depends on no weight.
    -(nll + kl) is a lower bound of log p(n), and in evaluation that of the
    model as it stands: no dropout, moving averages in place of a batch's.
    Counts are never dense; the logits are, for one batch at a time, as the
    normalizer needs every word.

    Args:
        vocabulary: Words of the columns, in the order of their ids; None for a
            model of matrices alone.
        num_words: Number of columns; None for those of the vocabulary.
        num_topics: Topics K, which is the width of z, too.
        hidden_units: Width of both layers of the encoder.
        concentration: a of the Dirichlet prior; the lower, the fewer topics a
            document has.
        dropout: Share of h and of theta that is dropped in training.
        **kwargs: As in `LatentModel`, without `latent_dim`.

    Raises:
        ValueError: If a setting is not allowed.

    Example:
        >>> texts = ["a red rose", "red wine", "the sea", "sea and ship"]
        >>> model = ProdLDA(
        ...     Vocabulary(["red", "rose", "sea", "ship", "wine"]),
        ...     num_topics=2,
        ...     hidden_units=4,
        ... )
        >>> history = model.fit(texts, epochs=2, verbose=0)
        >>> shares = model.encode(["red sea"])  # [documents, topics]
        >>> shares.shape, round(float(shares.sum()), 5)
        ((1, 2), 1.0)
        >>> len(model.topic_words(3)[0]), model.topics(texts).shape
        (3, (4,))
    """

    table_name = "ProdLDA"
    # The topics are among the weights.
    has_topics = 1

    def __init__(
        self,
        vocabulary: Vocabulary | None = None,
        num_words: int | None = None,
        *,
        num_topics: int = 20,
        hidden_units: int = 100,
        concentration: float = 1.0,
        dropout: float = 0.2,
        **kwargs: Any,
    ) -> None:
        num_words = checked_width(vocabulary, num_words)
        check(SIZES, num_words=num_words, hidden_units=hidden_units)
        check(WholeNumbers(2), num_topics=num_topics)
        check(Numbers(above=0), concentration=concentration)
        check(Numbers(at_least=0, below=1), dropout=dropout)
        mean, variance = laplace_of_dirichlet(
            np.full(num_topics, concentration)
        )
        super().__init__(
            latent_dim=num_topics,
            likelihood_kind="lower bound",
            # Divergences and logits are float32 under every policy.
            **{**kwargs, "dtype": "float32"},
        )
        self.vocabulary = vocabulary
        self.num_words = num_words
        self.num_topics = num_topics
        self.hidden_units = hidden_units
        self.concentration = concentration
        self.dropout = dropout
        self._prior_loc = np.float32(mean)
        self._prior_scale = np.float32(np.sqrt(variance))

        self.hidden_1 = _softplus(num_words, hidden_units)
        self.hidden_2 = _softplus(hidden_units, hidden_units)
        # The offset after them makes a bias needless.
        self.loc = _linear(hidden_units, num_topics)
        self.log_variance = _linear(hidden_units, num_topics)
        self.loc_norm = _normalization(num_topics)
        self.log_variance_norm = _normalization(num_topics)
        self.beta = self.add_weight(
            name="beta",
            shape=(num_topics, num_words),
            initializer="glorot_uniform",
        )
        self.word_norm = _normalization(num_words)
        self.built = True

    @property
    def default_optimizer(self) -> keras.optimizers.Optimizer:
        """Adam with the high momentum that the authors found to be needed.

        With less of it topics become alike before they differ.
        """
        return FusedAdam(2e-3, beta_1=0.99)

    # -- The model -----------------------------------------------------------

    def call(self, bags: Bags, training: bool = False) -> dict[str, tf.Tensor]:
        """Objective of each document, at one sample of its posterior.

        Args:
            bags: "columns" int32 and "counts" float32, [batch, places]; see
                `BagBatches`.
            training: Whether there is dropout, and noise of the step in place
                of the document's own.

        Returns:
            float32 [batch]: "nll" and "kl" in nats; "num_tokens", words;
            "is_known", 1 for documents with a word and 0 for others, whose
            nll and kl are 0. In training "kl_parts", too, [batch, K].
        """
        noise, dropped = self._noise(bags, training)
        counts, is_known = self.sparse_counts(bags), self.is_known(bags)
        gaussian = self._gaussian(counts, is_known, dropped)
        loc, scale = gaussian.mean(), gaussian.stddev()
        z = loc + scale * noise.normal("z", tf.unstack(tf.shape(loc)))
        logits = self._logits(tf.nn.softmax(z), is_known, dropped)
        kl_parts = is_known[:, tf.newaxis] * per_dimension(
            gaussian
        ).kl_divergence(per_dimension(self.prior))
        num_tokens = tf.reduce_sum(tf.cast(bags["counts"], tf.float32), axis=1)
        outputs = {
            "nll": -counts_log_likelihood(logits, counts),
            "kl": tf.reduce_sum(kl_parts, axis=1),
            "num_tokens": num_tokens,
            "is_known": is_known,
        }
        return outputs | ({"kl_parts": kl_parts} if training else {})

    def codes(self, bags: Bags) -> tf.Tensor:
        """Shares of topics at the mean of the posterior, [batch, K]."""
        return tf.nn.softmax(self.posterior(bags).mean())

    def posterior(self, x: Bags) -> Any:
        """q(z|n) as a tfp distribution with batch shape [batch]."""
        return self._gaussian(self.sparse_counts(x), self.is_known(x), None)

    @property
    def prior(self) -> Any:
        """p(z) as a tfp distribution."""
        return diagonal_normal(
            tf.constant(self._prior_loc), tf.constant(self._prior_scale)
        )

    @property
    def encoder_layers(self) -> list[keras.Layer]:
        """The layers that only the posterior depends on."""
        return [
            self.hidden_1,
            self.hidden_2,
            self.loc,
            self.loc_norm,
            self.log_variance,
            self.log_variance_norm,
        ]

    def word_logits(self, shares: tf.Tensor) -> tf.Tensor:
        """Logits of words, [N, words], of shares of topics, [N, K]."""
        return self._logits(shares, tf.ones(tf.shape(shares)[:1]), None)

    def _noise(
        self, bags: Bags, training: bool
    ) -> tuple[RowNoise, RowNoise | None]:
        """Noise of the sample, and of dropout where there is any."""
        if not training:
            seed = [self.seed, 0]
            return TextNoise.of_bags(
                bags["columns"], bags["counts"], seed
            ), None
        first = GlobalRows.of(bags["counts"]).first
        noise = Noise(self.step_seed(), first)
        return noise, noise

    def _gaussian(
        self,
        counts: tf.SparseTensor,
        is_known: tf.Tensor,
        dropped: RowNoise | None,
    ) -> Any:
        # Called, the layer would gather a row for each word of a document.
        first = sparse_product(counts, self.hidden_1.kernel)
        hidden = self.hidden_2(tf.nn.softplus(first + self.hidden_1.bias))
        hidden = self._dropped(hidden, "hidden", dropped)
        training = dropped is not None
        loc = self.loc_norm(self.loc(hidden), is_known, training=training)
        log_variance = self.log_variance_norm(
            self.log_variance(hidden), is_known, training=training
        )
        return diagonal_normal(loc, tf.exp(0.5 * log_variance))

    def _logits(
        self,
        shares: tf.Tensor,
        is_known: tf.Tensor,
        dropped: RowNoise | None,
    ) -> tf.Tensor:
        shares = self._dropped(shares, "shares", dropped)
        return self.word_norm(
            tf.matmul(shares, self.beta),
            is_known,
            training=dropped is not None,
        )

    def _dropped(
        self, values: tf.Tensor, name: str, noise: RowNoise | None
    ) -> tf.Tensor:
        """Dropout of values [batch, D]; what is kept is scaled up."""
        if noise is None or not self.dropout:
            return values
        chance = noise.uniform(name, tf.unstack(tf.shape(values)))
        return tf.where(chance >= self.dropout, values / (1 - self.dropout), 0)

    # -- Evaluation ----------------------------------------------------------

    def update_metrics(
        self, outputs: dict[str, tf.Tensor], sample_weight: tf.Tensor | None
    ) -> None:
        """Add the documents with a known word to the likelihoods."""
        weights = self.known_weights(outputs, sample_weight)
        super().update_metrics(outputs, weights)

    def own_figures(self, counts: Any) -> dict[str, Any]:
        """The bound of documents, as "bound"; see `TopicModel`."""
        figures = self.evaluate(counts, verbose=0, return_dict=True)
        names = ("nll", "kl", "elbo", "perplexity")
        bound = {name: figures[name] for name in names}
        return {"bound": {"likelihood_kind": self.likelihood_kind, **bound}}

    # -- Topics --------------------------------------------------------------

    def topic_outputs(self, bags: Bags) -> Outputs:
        """The largest topics of bags, "topic", and their shares, "share".

        They are -1 and NaN for a bag without words.
        """
        shares = self.codes(bags)
        topics = tf.argmax(shares, axis=1, output_type=tf.int32)
        is_known = self.is_known(bags) > 0
        return {
            "topic": tf.where(is_known, topics, -1),
            "share": tf.where(is_known, tf.reduce_max(shares, axis=1), np.nan),
        }

    def topic_word_columns(self, k: int) -> tf.Tensor:
        """Columns of the `k` highest beta of each topic, int32 [K, k]."""
        return tf.math.top_k(self.beta.value, k).indices

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        # It is num_topics.
        del config["latent_dim"]
        return config | {
            "vocabulary": keras.saving.serialize_keras_object(self.vocabulary),
            "num_words": self.num_words,
            "num_topics": self.num_topics,
            "hidden_units": self.hidden_units,
            "concentration": self.concentration,
            "dropout": self.dropout,
        }


def _softplus(inputs: int, units: int) -> keras.layers.Dense:
    return _built(
        keras.layers.Dense(units, activation="softplus", dtype="float32"),
        inputs,
    )


def _linear(inputs: int, units: int) -> keras.layers.Dense:
    return _built(
        keras.layers.Dense(units, use_bias=False, dtype="float32"), inputs
    )


def _normalization(units: int) -> GlobalBatchNormalization:
    return _built(GlobalBatchNormalization(), units)


def _built(layer: keras.Layer, width: int) -> keras.Layer:
    layer.build((None, width))
    return layer
