"""Softmax autoencoder: codes of documents from their words, and topics."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import scipy.sparse
import scipy.sparse.linalg
import tensorflow as tf

from keras_textgen.checks import (
    SIZES,
    SWITCHES,
    Numbers,
    OneOf,
    check,
    refused,
)
from keras_textgen.data.batches.bags import BagBatches, BagData, Bags, as_counts
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.topic_methods import fit_clusters
from keras_textgen.layers.sparse_vectors import sparse_product
from keras_textgen.models.topics.bag_model import (
    checked_width,
    documents_in_memory,
)
from keras_textgen.models.topics.topic_model import TopicModel
from keras_textgen.objectives.word_counts import counts_log_likelihood
from keras_textgen.serving.endpoints import Outputs

_ACTIVATIONS = ("binary", "tanh")
# Folded into the seed, so that the two kernels begin with other numbers.
_KERNEL, _OUTPUT_KERNEL = 0, 1
_KERNEL_DEVIATION = 0.1
# alpha times the mean length of the documents' rows.
_STEEPNESS = 7.5


@keras.saving.register_keras_serializable("keras_textgen")
class SoftmaxAutoencoder(TopicModel):
    """Autoencoder of bags of words whose codes are close to bits.

    Bags of words with their counts divided by the sum, x [batch, words],

        c = act(x W + b),   act(u) = 1 / (1 + exp(-alpha u))  or  tanh(u)
        y = softmax(c W^T + b')
        loss = KL(x || y) + l2 (|W|^2 + |b'|^2)

    after the softmax autoencoder of keras-aquarium. x is never dense; y is,
    for one batch at a time: its normalizer needs every word. `fit_topics`
    groups the codes by K-means.

    Args:
        vocabulary: Words of the columns, in the order of their ids; None for a
            model of matrices alone.
        num_words: Number of columns; None for those of the vocabulary.
        latent_dim: Width D of a code.
        activation: "binary" or "tanh".
        alpha: Steepness of the binary activation.
        tied: Whether the decoder uses the kernel W of the encoder; False for
            one of its own.
        encoder: From x, a `tf.SparseTensor`, to [batch, any], in place of x in
            the equations; a Keras layer or a function. Needs `tied=False`.
        decoder: From c to [batch, any], in place of c; like `encoder`.
        l2: Weight of the squared kernels and of the squared b'.
        num_topics: Clusters of `fit_topics`.
        **kwargs: As in `GlobalBatchModel`; the seed is that of K-means, too.

    Raises:
        ValueError: If a setting is not allowed.

    Example:
        >>> texts = ["a red rose", "red wine", "the sea", "sea and ship"]
        >>> model = SoftmaxAutoencoder(
        ...     Vocabulary(["red", "rose", "sea", "ship", "wine"]),
        ...     latent_dim=3,
        ...     num_topics=2,
        ... )
        >>> model.compile("nadam")
        >>> history = model.fit(texts, epochs=2, verbose=0)
        >>> model.fit_topics(texts)
        >>> model.encode(["red sea"]).shape, model.topics(texts).shape
        ((1, 3), (4,))
    """

    table_name = "SAE + K-means"

    def __init__(
        self,
        vocabulary: Vocabulary | None = None,
        num_words: int | None = None,
        *,
        latent_dim: int = 50,
        activation: str = "binary",
        alpha: float = 50.0,
        tied: bool = True,
        encoder: Callable[[tf.SparseTensor], tf.Tensor] | None = None,
        decoder: Callable[[tf.Tensor], tf.Tensor] | None = None,
        l2: float = 1e-5,
        num_topics: int = 20,
        **kwargs: Any,
    ) -> None:
        # A row's code and divergence are float32 under every policy.
        super().__init__(**{**kwargs, "dtype": "float32"})
        num_words = checked_width(vocabulary, num_words)
        check(
            SIZES,
            num_words=num_words,
            latent_dim=latent_dim,
            num_topics=num_topics,
        )
        _check_settings(activation, alpha, l2)
        check(SWITCHES, tied=tied)
        if tied and (encoder or decoder):
            raise refused(
                "tied=True with an encoder or decoder of one's own",
                "tied=False",
            )
        self.vocabulary = vocabulary
        self.num_words = num_words
        self.latent_dim = latent_dim
        self.activation = activation
        self.alpha = alpha
        self.tied = tied
        self.encoder = encoder
        self.decoder = decoder
        self.l2 = l2
        self.num_topics = num_topics

        # Built by a first call, which tells their widths.
        x = tf.sparse.from_dense(tf.ones([1, num_words]))
        features = num_words if encoder is None else encoder(x).shape[-1]
        hidden = tf.zeros([1, latent_dim])
        width = (hidden if decoder is None else decoder(hidden)).shape[-1]
        self.kernel = self._kernel("kernel", (features, latent_dim), _KERNEL)
        self.bias = self._zeros("bias", (latent_dim,))
        self.output_kernel = self.kernel
        if not tied:
            self.output_kernel = self._kernel(
                "output_kernel", (num_words, width), _OUTPUT_KERNEL
            )
        self.output_bias = self._zeros("output_bias", (num_words,))
        self.topic_centers = self._zeros(
            "topic_centers", (num_topics, latent_dim), trainable=False
        )
        self.has_topics = self._counter("has_topics")
        self._metrics_of_steps = {
            "losses": keras.metrics.Mean(name="loss"),
            "kl": keras.metrics.Mean(name="kl"),
        }
        self.built = True

    @classmethod
    def from_documents(
        cls,
        data: BagData,
        vocabulary: Vocabulary | None = None,
        **settings: Any,
    ) -> "SoftmaxAutoencoder":
        """Make a model whose codes are as steep as documents ask.

        A row of shares is the shorter the more words a document has, and x W
        with it: an alpha that makes bits of short texts leaves long ones grey.
        This one, times the mean length of the rows, is that of alpha = 50 for
        newsgroup posts. The first weights are those of `begin_with`.

        Args:
            data: What the model will be trained on, as in `fit`.
            vocabulary: As in the constructor.
            **settings: As in the constructor.

        Raises:
            ValueError: If a setting or `data` is not allowed.

        Example:
            >>> short, long = np.array([[9.0, 0, 0, 0]]), np.ones([1, 4])
            >>> make = SoftmaxAutoencoder.from_documents
            >>> make(short).alpha, make(long, latent_dim=3).alpha
            (7.5, 15.0)
        """
        data = documents_in_memory(data)
        if vocabulary is None and hasattr(data, "shape"):
            settings = {"num_words": data.shape[-1], **settings}
        width = checked_width(vocabulary, settings.get("num_words"))
        counts = as_counts(data, width, vocabulary)
        model = cls(vocabulary, **{"alpha": _steepness(counts), **settings})
        model.begin_with(counts)
        return model

    # -- The model -----------------------------------------------------------

    def call(self, bags: Bags, training: bool = False) -> tf.Tensor:
        """Codes of bags of words.

        Args:
            bags: "columns" int32 and "counts" float32, [batch, places]; see
                `BagBatches`.
            training: Makes no difference.

        Returns:
            float32 [batch, D].
        """
        del training
        return self.codes(bags)

    def codes(self, bags: Bags) -> tf.Tensor:
        """Codes of bags, float32 [batch, D]; act(b) without words."""
        return self._codes(self.shares(bags))

    def shares(self, bags: Bags) -> tf.SparseTensor:
        """x: counts divided by their sum, sparse float32 [batch, words].

        A document without words stays without.
        """
        counts = self.sparse_counts(bags)
        totals = tf.reduce_sum(tf.cast(bags["counts"], tf.float32), axis=1)
        return counts.with_values(
            counts.values / tf.gather(totals, counts.indices[:, 0])
        )

    def logits(self, codes: tf.Tensor) -> tf.Tensor:
        """Logits of y, float32 [batch, words]."""
        hidden = codes if self.decoder is None else self.decoder(codes)
        hidden = tf.cast(hidden, tf.float32)
        products = tf.matmul(hidden, self.output_kernel, transpose_b=True)
        return products + self.output_bias

    def reconstruct(self, bags: Bags) -> tf.Tensor:
        """y, float32 [batch, words]."""
        return tf.nn.softmax(self.logits(self(bags)))

    def _codes(self, x: tf.SparseTensor) -> tf.Tensor:
        if self.encoder is None:
            products = sparse_product(x, self.kernel)
        else:
            hidden = tf.cast(self.encoder(x), tf.float32)
            products = tf.matmul(hidden, self.kernel)
        inputs = products + self.bias
        if self.activation == "tanh":
            return tf.tanh(inputs)
        return tf.sigmoid(self.alpha * inputs)

    # -- Training and evaluation steps ---------------------------------------

    def step_outputs(self, data: Any, training: bool) -> dict[str, tf.Tensor]:
        """As in `GlobalBatchModel`; shares are computed once."""
        bags, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        shares = self.shares(bags)
        return self._divergences(shares, self._codes(shares))

    def with_losses(
        self,
        outputs: tf.Tensor,
        x: Bags,
        y: None,
        sample_weight: tf.Tensor | None,
        training: bool,
    ) -> dict[str, tf.Tensor]:
        """Divergence KL(x || y) of each document, and its loss."""
        del y, sample_weight, training
        return self._divergences(self.shares(x), outputs)

    def _divergences(
        self, x: tf.SparseTensor, codes: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        rows = x.indices[:, 0]
        # sum x log x and sum x, where x is not zero.
        negative_entropy, has_words = (
            tf.math.unsorted_segment_sum(each, rows, x.dense_shape[0])
            for each in (x.values * tf.math.log(x.values), x.values)
        )
        kl = negative_entropy - counts_log_likelihood(self.logits(codes), x)
        is_known = tf.cast(has_words > 0, tf.float32)
        return {"losses": kl + self._penalty(), "kl": kl, "is_known": is_known}

    def _penalty(self) -> tf.Tensor:
        weights = [self.kernel, self.output_bias]
        if not self.tied:
            weights.append(self.output_kernel)
        return self.l2 * sum(tf.reduce_sum(each.value**2) for each in weights)

    # -- First weights --------------------------------------------------------

    def begin_with(self, data: BagData) -> None:
        """Let untrained weights fit documents whose rows are short.

        b' becomes the logarithm of their mean shares, b what puts the mean
        document in the middle of the activation, and the kernel is scaled up
        to a standard deviation of 0.1. Otherwise all dimensions begin nearly
        alike, and learn the mean first, which moves all codes the same way:
        where alpha is high, to where bits have no gradient.

        Args:
            data: Documents, as in `fit`.

        Raises:
            ValueError: If `data` is not allowed or has no known word, or the
                encoder is not linear.
        """
        if self.encoder is not None:
            raise refused(
                "begin_with of a model with an encoder of its own",
                "encoder=None",
            )
        counts = as_counts(
            documents_in_memory(data), self.num_words, self.vocabulary
        )
        totals, has_words = _words_of(counts)
        weights = np.divide(1, totals, np.zeros_like(totals), where=has_words)
        mean = weights @ counts / np.count_nonzero(has_words)
        # A word that no document has is as rare as half a word of them all.
        logs = np.log(np.maximum(mean, mean[mean > 0].min() / 2))
        # The softmax takes any constant; this one costs least L2.
        self.output_bias.assign(logs - logs.mean())
        kernel = self.kernel.numpy()
        # The single weight of one word and one dimension has none.
        deviation = kernel.std() or _KERNEL_DEVIATION
        self.kernel.assign(kernel * (_KERNEL_DEVIATION / deviation))
        self.bias.assign(-mean @ self.kernel.numpy())

    # -- Topics --------------------------------------------------------------

    def fit_topics(self, data: BagData | BagBatches) -> None:
        """Find `num_topics` topics: K-means on the codes of documents.

        Args:
            data: As in `fit`, usually what the model was trained on. Topics
                are those of the codes at this time; train first. Documents
                without a known word are left out.

        Raises:
            ValueError: If there are fewer documents than topics.
        """
        batches = self.batches(data)
        codes = self.encode(batches)[batches.has_words]
        clusters = fit_clusters(codes, self.num_topics, self.seed)
        self.topic_centers.assign(clusters.cluster_centers_)
        self.has_topics.assign(1)

    def topic_outputs(self, bags: Bags) -> Outputs:
        """Topics of bags, "topic", and distances of centers, "distance".

        They are -1 and NaN for a bag without words, whose code is that of
        nothing and no topic's.
        """
        differences = self(bags)[:, tf.newaxis] - self.topic_centers
        distances = tf.norm(differences, axis=2)
        topics = tf.argmin(distances, axis=1, output_type=tf.int32)
        is_known = self.is_known(bags) > 0
        nearest = tf.reduce_min(distances, axis=1)
        return {
            "topic": tf.where(is_known, topics, -1),
            "distance": tf.where(is_known, nearest, np.nan),
        }

    def topic_word_columns(self, k: int) -> tf.Tensor:
        """What tells topics from the documents at large.

        The `k` words of the highest lift, y / (mean y + 1 / words), y being
        what the center of a topic decodes to and mean y the mean over topics.
        Each word's mean is raised by the share that all would have if they
        were alike: words that are rare everywhere do not stand out by chance.
        """
        y = tf.nn.softmax(self.logits(self.topic_centers.value))
        lift = y / (tf.reduce_mean(y, axis=0) + 1 / self.num_words)
        return tf.math.top_k(lift, k).indices

    def top_words(self, k: int = 10) -> list[list[str]]:
        """The words that each dimension of the code makes likelier.

        Of the `k` words whose logits rise most when the dimension goes from
        its lowest value (0, or -1 for tanh) to 1, the others being at 0.

        Args:
            k: Words a dimension.

        Returns:
            Words of each of the D dimensions, the strongest first.

        Raises:
            ValueError: If there is no vocabulary, or if `k` is not between 1
                and the number of words.
        """
        self._check_k(k)
        on = tf.eye(self.latent_dim)
        off = -on if self.activation == "tanh" else tf.zeros_like(on)
        rise = self.logits(on) - self.logits(off)
        return self._words(tf.math.top_k(rise, k).indices)

    # -- Building and saving -------------------------------------------------

    def _kernel(
        self, name: str, shape: tuple[int, int], stream: int
    ) -> keras.Variable:
        # Keras folds no stream into a seed.
        seed = int(
            np.random.SeedSequence([self.seed, stream]).generate_state(1)[0]
        )
        initializer = keras.initializers.GlorotNormal(seed % 2**31)
        return self.add_weight(name=name, shape=shape, initializer=initializer)

    def _zeros(
        self, name: str, shape: tuple[int, ...], trainable: bool = True
    ) -> keras.Variable:
        return self.add_weight(
            name=name, shape=shape, initializer="zeros", trainable=trainable
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return super().get_config() | {
            "vocabulary": serialize(self.vocabulary),
            "num_words": self.num_words,
            "latent_dim": self.latent_dim,
            "activation": self.activation,
            "alpha": self.alpha,
            "tied": self.tied,
            "encoder": serialize(self.encoder),
            "decoder": serialize(self.decoder),
            "l2": self.l2,
            "num_topics": self.num_topics,
        }


def _steepness(counts: scipy.sparse.csr_array) -> float:
    """An alpha for documents; those without words do not count."""
    lengths = scipy.sparse.linalg.norm(counts, axis=1)
    sums, has_words = _words_of(counts)
    return float(_STEEPNESS / np.mean(lengths[has_words] / sums[has_words]))


def _words_of(counts: scipy.sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """How many words documents have, and which of them have any."""
    sums = counts.sum(axis=1)
    has_words = sums > 0
    if not has_words.any():
        raise refused("no document with a known word", "1 or more")
    return sums, has_words


def _check_settings(activation: str, alpha: float, l2: float) -> None:
    check(OneOf(_ACTIVATIONS), activation=activation)
    check(Numbers(above=0), alpha=alpha)
    check(Numbers(at_least=0), l2=l2)
