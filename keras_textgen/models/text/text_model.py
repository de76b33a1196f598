"""What all text models share."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.data.batches.sequences import (
    SequenceBatches,
    TokenBatches,
    few_texts,
    prepared_tokens,
)
from keras_textgen.data.shards.batches import token_batches
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.decoding.beam_search import beam_search
from keras_textgen.decoding.common import (
    banned_ids,
    checked_integer,
    checked_seed,
    checked_temperature,
    checked_top_p,
)
from keras_textgen.decoding.sampling import sample
from keras_textgen.evaluation.likelihoods import likelihood_report
from keras_textgen.layers.decoders import RecurrentDecoder
from keras_textgen.layers.transformer_decoder import TransformerDecoder
from keras_textgen.layers.vocabulary import VocabularyLogLikelihood
from keras_textgen.models.components import chosen, given, is_recurrent
from keras_textgen.models.likelihood_model import LikelihoodModel
from keras_textgen.models.text.beginnings import beginning
from keras_textgen.models.text.checked_settings import check_text_settings
from keras_textgen.models.text.endpoints import Endpoint, text_endpoints
from keras_textgen.models.text.word_noise import drop_words, dropout
from keras_textgen.noise import Noise
from keras_textgen.tokens import END_ID, START_ID, UNKNOWN_ID

# Texts, or token ids: what the methods for users take.
TextData = (
    Sequence[str] | np.ndarray | tf.Tensor | tf.data.Dataset | SequenceBatches
)


class DecoderState(NamedTuple):
    """Where a decoder is in its texts; rows lead.

    Attributes:
        memory: The decoder's own state, a nested structure.
        position: Tokens that were read, int32 [rows].
    """

    memory: Any
    position: tf.Tensor


class TextModel(LikelihoodModel):
    """Base of the text models: vocabulary, decoder, training, generation.

    A model adds `call`, which gives "nll", "kl" and "num_tokens" of each
    sequence, and `generation_state`, where generated texts start from.

    Tokens are int32 [batch, time] with start and end tokens inside and 0 on
    the right as padding. In training, noise is a function of seed, step and
    row of the global batch; outside, of seed, text and number of the sample.

    Args:
        vocabulary: Text to ids and back; it is saved with the model.
        embedding_dim: Width E of the embedding.
        rnn_units: Width H of the recurrent layers.
        num_layers: Number of recurrent layers.
        rnn_type: "block" or "basic" (both LSTM) or "gru".
        word_keep_rate: Share of the decoder's input words kept in training
            (Bowman et al. 2016, section 3.1.1); the others become the
            unknown token. 0 is the inputless decoder, in evaluation too.
        dropout: Share of the decoder's embedded inputs and of its outputs
            dropped in training (Zaremba et al. 2014).
        max_length: Cap on generated tokens, the end token included.
        starts_with_end: Read the end token in place of the start token: for a
            model of a stream of words, in which no start token occurs.
        joins_code: Join what a text is generated from to every embedded input.
        decoder: What writes: a layer, see `keras_textgen.layers.decoders`, or
            a name: "transformer" for one as wide as the embedding, "recurrent"
            or None for layers of the sizes above.
        tied_embeddings: Let the matrix of the embedding be that of the softmax,
            too (Press and Wolf 2017); it needs a decoder as wide.
        **kwargs: As in `LikelihoodModel`.

    Raises:
        ValueError: If a setting is out of its range.
    """

    reads_shards = (PreparedSplit,)

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        embedding_dim: int = 128,
        rnn_units: int = 200,
        num_layers: int = 2,
        rnn_type: str = "block",
        word_keep_rate: float = 1.0,
        dropout: float = 0.0,
        max_length: int = 60,
        starts_with_end: bool = False,
        joins_code: bool = False,
        decoder: keras.Layer | str | None = None,
        tied_embeddings: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary = vocabulary
        self.embedding_dim = embedding_dim
        self.rnn_units = rnn_units
        self.num_layers = num_layers
        self.rnn_type = rnn_type
        self.word_keep_rate = word_keep_rate
        self.dropout = dropout
        self.max_length = max_length
        self.starts_with_end = starts_with_end
        self.tied_embeddings = tied_embeddings
        check_text_settings(self)

        self.embedding = keras.layers.Embedding(
            vocabulary.size,
            embedding_dim,
            embeddings_initializer=keras.initializers.RandomUniform(-0.1, 0.1),
            dtype=self.dtype_policy,
        )
        self.has_own_decoder = is_recurrent(decoder)
        if self.has_own_decoder:
            self.decoder = RecurrentDecoder(
                rnn_units,
                num_layers,
                rnn_type,
                state_of_code=self.initial_layer_state,
                joins_code=joins_code,
                dtype=self.dtype_policy,
            )
        else:
            self.decoder = chosen(
                decoder,
                "decoder",
                TransformerDecoder,
                units=embedding_dim,
                dtype=self.dtype_policy,
            )
        self.output_layer = VocabularyLogLikelihood(
            vocabulary.size,
            self.embedding if tied_embeddings else None,
            # The range of float16 is too small for gradients of rare words.
            "bfloat16" if self.compute_dtype == "bfloat16" else "float32",
        )

    # -- What a model adds ---------------------------------------------------

    def call(
        self, tokens: tf.Tensor, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Objective of each sequence.

        Args:
            tokens: int32 [batch, time].
            training: Whether there is dropout.

        Returns:
            float32 [batch] each: "nll", the reconstruction term in nats;
            "kl", the KL term in nats; "num_tokens", the predicted tokens.
            In training, what else `training_losses` needs.
        """
        raise NotImplementedError

    def generation_state(
        self,
        num_texts: tf.Tensor,
        noise: Noise,
        condition: tf.Tensor | None = None,
    ) -> DecoderState:
        """Decoder states from which `num_texts` texts are generated.

        They are to be like the text of tokens `condition`, [1, time].
        """
        raise NotImplementedError

    def initial_layer_state(self, code: tf.Tensor) -> list[tf.Tensor]:
        """First state of each recurrent layer, of codes [N, code_size]."""
        return self.decoder.zero_state(code)

    @property
    def given_components(self) -> list[keras.Layer]:
        """Components that are not the model's own recurrent layers."""
        return [] if self.has_own_decoder else [self.decoder]

    # -- Building ------------------------------------------------------------

    def build(self, input_shape: tuple | None = None) -> None:
        """Create all weights; constructors call it, users need not."""
        del input_shape
        if not self.built:
            self.built = True
            self(tf.constant([[START_ID, UNKNOWN_ID]]), training=True)

    # -- The decoder ---------------------------------------------------------

    def embed(self, tokens: tf.Tensor) -> tf.Tensor:
        """Embedded tokens, [..., E] for [...]."""
        if self.starts_with_end:
            tokens = tf.where(tokens == START_ID, END_ID, tokens)
        return self.embedding(tokens)

    def decode_log_likelihood(
        self,
        state: DecoderState,
        tokens: tf.Tensor,
        noise: Noise | None = None,
    ) -> tf.Tensor:
        """Log-likelihood of each sequence from the decoder's first state.

        Args:
            state: States of batch * S rows; the S states of a sequence follow
                each other.
            tokens: int32 [batch, time].
            noise: Of dropout, in training.

        Returns:
            float32 [batch * S], nats.
        """
        hidden = self.decode_hidden(state, tokens, noise)
        return self.hidden_log_likelihood(hidden, tokens, noise)

    def initial_state(
        self, code: tf.Tensor, max_length: int | tf.Tensor | None = None
    ) -> DecoderState:
        """The state before the start token.

        Args:
            code: What texts are generated from, [N, code_size].
            max_length: Cap on the tokens of each; None for the model's own.
        """
        if max_length is None:
            max_length = self.max_length
        memory = self.decoder.first_state(code, max_length)
        return DecoderState(memory, tf.zeros([tf.shape(code)[0]], tf.int32))

    def decode_hidden(
        self, state: DecoderState, tokens: tf.Tensor, noise: Noise | None
    ) -> tf.Tensor:
        """The decoder's outputs [batch * S, time - 1, H]."""
        inputs = drop_words(tokens[:, :-1], self.word_keep_rate, noise)
        embedded = self.embed(inputs)
        embedded = dropout(
            embedded, self.dropout, tf.shape(inputs)[0], "inputs", noise
        )
        embedded = _repeat(embedded, tf.shape(state.position)[0])
        return self.decoder.over_time(embedded, state.memory)

    def hidden_log_likelihood(
        self, hidden: tf.Tensor, tokens: tf.Tensor, noise: Noise | None
    ) -> tf.Tensor:
        """Log-likelihoods [batch * S] from the decoder's outputs."""
        targets = _repeat(tokens[:, 1:], tf.shape(hidden)[0])
        hidden = dropout(
            hidden, self.dropout, tf.shape(tokens)[0], "outputs", noise
        )
        return tf.reduce_sum(self.output_layer(hidden, targets), axis=1)

    def next_token_logits(
        self, tokens: tf.Tensor, state: DecoderState
    ) -> tuple[tf.Tensor, DecoderState]:
        """One step of the decoder.

        Args:
            tokens: The tokens just read, int32 [N].
            state: The state before them.

        Returns:
            Logits of the next token, float32 [N, V], and the new state.
        """
        hidden, state = self.decoder_step(tokens, state)
        return self.output_layer.logits(hidden), state

    def decoder_step(
        self, tokens: tf.Tensor, state: DecoderState
    ) -> tuple[tf.Tensor, DecoderState]:
        """The decoder's outputs [N, H] after tokens [N], and the new state."""
        tokens = drop_words(tokens, self.word_keep_rate, None)
        hidden, memory = self.decoder.step(
            self.embed(tokens), state.memory, state.position
        )
        return hidden, DecoderState(memory, state.position + 1)

    # -- Texts and arrays in, texts and arrays out ---------------------------

    def row_batches(
        self,
        x: TextData,
        y: None,
        sample_weight: np.ndarray | None,
        batch_size: int,
        *,
        is_shuffled: bool = True,
        is_prediction: bool = False,
    ) -> TokenBatches:
        """Sequences of texts, of ids [N, time], or in shards."""
        del y, is_prediction
        return token_batches(
            x,
            self.vocabulary,
            batch_size,
            seed=self.seed,
            is_shuffled=is_shuffled,
            sample_weight=sample_weight,
        )

    def prepared(self, x: tf.Tensor, y: None) -> tuple[tf.Tensor, None]:
        """Tokens of strings [batch], or ids [batch, time] that are checked."""
        return prepared_tokens(x, self.vocabulary), y

    def generate(
        self,
        num_texts: int,
        *,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        ban_unknown: bool = True,
        seed: int = 0,
        prefix: str = "",
        condition_on: str | None = None,
    ) -> list[str]:
        """Sample texts from the model.

        Args:
            num_texts: How many.
            temperature: Divides the logits; below 1 is more cautious.
            top_k: Keep the k most likely words only; 0 keeps all.
            top_p: Keep the most likely words of this total probability.
            ban_unknown: Never emit the unknown token.
            seed: The same seed gives the same texts.
            prefix: How every text begins; whole words.
            condition_on: A text that they are to be like: their codes are drawn
                from its posterior in place of the prior.

        Returns:
            `num_texts` strings.

        Raises:
            ValueError: If the model has no prior to sample from, or an
                argument is out of its range.
        """
        tokens = self.in_graph("generate_tokens")(
            checked_integer("num_texts", num_texts, minimum=1),
            seed=tf.constant([self.seed, checked_seed(seed)]),
            temperature=checked_temperature(temperature),
            top_k=checked_integer("top_k", top_k, minimum=0),
            top_p=checked_top_p(top_p),
            ban_unknown=ban_unknown,
            **beginning(self.vocabulary, prefix, condition_on, self.max_length),
        )
        return decoded_strings(self.vocabulary.to_text(tokens))

    def map_batches(
        self,
        function: Callable[[tf.Tensor], tf.Tensor],
        data: TextData,
        batch_size: int,
    ) -> np.ndarray:
        """Outputs of a function of tokens, in the order of `data`.

        Args:
            function: From int32 [batch, time] to [batch, ...].
            data: Texts or token ids, N sequences.
            batch_size: Sequences at a time.

        Returns:
            [N, ...].
        """
        texts = few_texts(data, batch_size)
        if texts is not None:
            return function(self.in_graph("tokens_of")(texts)).numpy()
        dataset, order = self.in_batches(data, batch_size)
        outputs = [function(batch).numpy() for batch in dataset]
        return np.concatenate(outputs)[order]

    def in_batches(
        self, data: TextData, batch_size: int
    ) -> tuple[tf.data.Dataset, np.ndarray | slice]:
        """Batches of tokens, and the index that undoes their order.

        Args:
            data: Texts or token ids, N sequences.
            batch_size: Sequences at a time.

        Returns:
            A dataset of int32 [batch, time], and what puts N outputs, in the
            order of the dataset, into that of `data`.
        """
        return self._evaluation_dataset(
            data, None, None, batch_size, None, is_prediction=True
        )

    # -- The same in the graph, for the methods above and for export ---------

    def tokens_of(self, texts: tf.Tensor) -> tf.Tensor:
        """Tokens [batch, time] of texts [batch]."""
        return prepared_tokens(texts, self.vocabulary)

    def generate_tokens(
        self,
        num_texts: tf.Tensor,
        *,
        seed: tf.Tensor,
        temperature: tf.Tensor | float = 1.0,
        top_k: tf.Tensor | int = 0,
        top_p: tf.Tensor | float = 1.0,
        ban_unknown: bool = True,
        prefix: tf.Tensor | None = None,
        condition: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Sample tokens [num_texts, length]; arguments as in `generate`.

        `prefix`, [P], and `condition`, [1, time], are tokens.
        """
        return sample(
            self.next_token_logits,
            self.generation_state(num_texts, Noise(seed), condition),
            seed=seed,
            max_length=self.max_length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            banned_ids=banned_ids(ban_unknown),
            prefix=prefix,
        )

    def beam_search(
        self,
        state: DecoderState,
        *,
        beam_width: int,
        max_length: int | tf.Tensor,
        max_lengths: tf.Tensor | None = None,
        ban_unknown: bool,
    ) -> tf.Tensor:
        """Most likely tokens [N, length] from decoder states of N rows."""
        return beam_search(
            self.next_token_logits,
            state,
            beam_width=beam_width,
            max_length=max_length,
            max_lengths=max_lengths,
            banned_ids=banned_ids(ban_unknown),
        )[0]

    def endpoints(self) -> dict[str, Endpoint]:
        """What is served: see `keras_textgen.export_model`."""
        return text_endpoints(self)

    def report(self, data: Any, *args: Any, **options: Any) -> dict[str, Any]:
        """Likelihoods and diagnostics: see `likelihood_report`."""
        return likelihood_report(self, data, *args, **options)

    # -- Saving --------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "vocabulary": keras.saving.serialize_keras_object(self.vocabulary),
            "embedding_dim": self.embedding_dim,
            "rnn_units": self.rnn_units,
            "num_layers": self.num_layers,
            "rnn_type": self.rnn_type,
            "word_keep_rate": self.word_keep_rate,
            "dropout": self.dropout,
            "max_length": self.max_length,
            "starts_with_end": self.starts_with_end,
            "decoder": given(self.decoder, self.has_own_decoder),
            "tied_embeddings": self.tied_embeddings,
        }


def decoded_strings(texts: tf.Tensor | np.ndarray) -> list[str]:
    """Python strings of a string tensor [N].

    Example:
        >>> decoded_strings(tf.constant(["a rose"]))
        ['a rose']
    """
    return [text.decode() for text in np.asarray(texts)]


def _repeat(values: tf.Tensor, num_rows: tf.Tensor) -> tf.Tensor:
    """Each row of [batch, ...] so often that there are `num_rows` rows."""
    copies = num_rows // tf.maximum(tf.shape(values)[0], 1)
    return tf.repeat(values, copies, axis=0)
