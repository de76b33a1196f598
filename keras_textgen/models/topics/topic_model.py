"""What topic models share: what they serve and what is reported of them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.batches.bags import (
    BagBatches,
    BagData,
    Bags,
    as_counts,
    bags_of_tokens,
    checked_bags,
    count_words,
)
from keras_textgen.data.readers.files import SPLITS
from keras_textgen.evaluation.corpora import is_corpus
from keras_textgen.evaluation.topic_methods import FoundTopics
from keras_textgen.evaluation.topic_tables import (
    TopicsOverTime,
    merged_topics,
    topic_labels,
    topic_weights,
    topics_over_time,
)
from keras_textgen.evaluation.topics import topic_report
from keras_textgen.evaluation.watching import Watch, unwatched
from keras_textgen.models.topics.bag_model import BagModel, documents_in_memory
from keras_textgen.serving.endpoints import TEXTS, Endpoint, Outputs
from keras_textgen.tokens import SPECIALS

_COLUMNS = tf.TensorSpec([None, None], tf.int32, name="columns")
_COUNTS = tf.TensorSpec([None, None], tf.float32, name="counts")
_WORDS_A_TOPIC = 10


class TopicModel(BagModel):
    """Base of models that turn bags of words into codes and topics.

    A model adds to those of `BagModel` what is below.

    Attributes:
        table_name: What tables call the model's way to topics.
        num_topics: Number of topics.
        has_topics: 1 where there are topics, else 0.
    """

    table_name: str
    num_topics: int
    has_topics: Any

    def topic_outputs(self, bags: Bags) -> Outputs:
        """Topics of bags, "topic", int32 [batch]; -1 without words.

        Beside them, float32 [batch], what says how clear they are.
        """
        raise NotImplementedError

    def topic_word_columns(self, k: int) -> tf.Tensor:
        """`topic_words` as columns, int32 [topics, k]."""
        raise NotImplementedError

    def fit_topics(self, data: BagData | BagBatches) -> None:
        """Find topics in the codes of documents.

        Nothing is left to do for a model whose weights are its topics.
        """

    def own_figures(self, counts: Any) -> dict[str, Any]:
        """What `report` says of a model beside its topics.

        Args:
            counts: Of words of the test documents, CSR [documents, words].
        """
        del counts
        return {}

    # -- Topics --------------------------------------------------------------

    def topic_words(self, k: int = 10) -> list[list[str]]:
        """The words of each topic.

        Args:
            k: Words a topic.

        Returns:
            Words of each topic, the strongest first.

        Raises:
            ValueError: If there are no topics yet, if there is no vocabulary,
                or if `k` is not between 1 and the number of words.
        """
        self._check_topics()
        self._check_k(k)
        return self._words(self.topic_word_columns(k))

    def topics(
        self,
        data: BagData | BagBatches | tf.data.Dataset,
        batch_size: int = 256,
    ) -> np.ndarray:
        """Topics of documents.

        Args:
            data: As in `fit`; also documents that the model has not seen.
            batch_size: Documents a batch.

        Returns:
            int32 [N]; -1 for documents without a known word.

        Raises:
            ValueError: If there are no topics yet.
        """
        self._check_topics()
        outputs = self.in_graph("topic_outputs")
        dataset = self._dataset(data, batch_size)
        return np.concatenate(
            [outputs(bags)["topic"].numpy() for bags in dataset]
        )

    def topic_labels(self, data: BagData, k: int = 3) -> list[str]:
        """A name for each topic, by what its documents have and others lack.

        Args:
            data: Documents, as in `topics`: those that the topics were found
                in, say.
            k: Words a name.

        Returns:
            A text a topic, "" for one without documents; see
            `keras_textgen.evaluation.topic_tables.topic_labels`.

        Raises:
            ValueError: If there are no topics yet, if there is no vocabulary,
                or if `k` is not between 1 and the number of words.
        """
        self._check_k(k)
        words = self.vocabulary.get_vocabulary()[len(SPECIALS) :]
        return topic_labels(self._topic_weights(data), words, k)

    def merged_topics(self, data: BagData, num_topics: int) -> np.ndarray:
        """Which topics to make one, until so many are left.

        Args:
            data: Documents, as in `topic_labels`.
            num_topics: How many are to be left.

        Returns:
            int64 [topics]: the number of the group that each topic goes to; see
            `keras_textgen.evaluation.topic_tables.merged_topics`.

        Raises:
            ValueError: If there are no topics yet, or not as many.
        """
        return merged_topics(self._topic_weights(data), num_topics)

    def topics_over_time(
        self, data: BagData, periods: Sequence[Any]
    ) -> TopicsOverTime:
        """How frequent topics are in each period.

        Args:
            data: Documents, as in `topics`.
            periods: Of the documents: years, decades, or what else sorts.

        Returns:
            Periods, the shares of topics in each, and numbers of documents.

        Raises:
            ValueError: If there are no topics yet, or not as many periods as
                documents.
        """
        return topics_over_time(self.topics(data), periods, self.num_topics)

    def _topic_weights(self, data: BagData) -> np.ndarray:
        self._check_topics()
        counts = as_counts(
            documents_in_memory(data), self.num_words, self.vocabulary
        )
        return topic_weights(counts, self.topics(counts), self.num_topics)

    def endpoints(self) -> dict[str, Endpoint]:
        """What is served: see `keras_textgen.export_model`."""
        functions = {"encode": lambda bags: {"code": self.codes(bags)}}
        if self._are_topics:
            functions["topics"] = self._served_topics()
        endpoints = {}
        for name, function in functions.items():
            if self.vocabulary is not None:
                endpoints[name] = Endpoint(self._of_texts(function), [TEXTS])
            endpoints[f"{name}_bags"] = Endpoint(
                self._of_bags(function), [_COLUMNS, _COUNTS]
            )
        return endpoints

    def _of_texts(self, function: Callable[[Bags], Outputs]) -> Callable:
        return lambda texts: function(
            bags_of_tokens(self.vocabulary.tokenize(texts))
        )

    def _of_bags(self, function: Callable[[Bags], Outputs]) -> Callable:
        return lambda columns, counts: function(
            checked_bags({"columns": columns, "counts": counts}, self.num_words)
        )

    def _served_topics(self) -> Callable[[Bags], Outputs]:
        words = None
        if self.vocabulary is not None:
            shown = min(_WORDS_A_TOPIC, self.num_words)
            # The last row is for the topic -1.
            words = [*self.topic_words(shown), shown * [""]]

        def topics(bags: Bags) -> Outputs:
            outputs = self.topic_outputs(bags)
            if words is None:
                return outputs
            rows = outputs["topic"] % (self.num_topics + 1)
            return {**outputs, "words": tf.gather(tf.constant(words), rows)}

        return topics

    @property
    def _are_topics(self) -> bool:
        # Of several replicas, int() cannot read it.
        return bool(np.asarray(self.has_topics))

    def _check_topics(self) -> None:
        if not self._are_topics:
            raise refused("no topics yet", "after fit_topics")

    def report(self, data: Any, *, watch: Watch = unwatched) -> dict[str, Any]:
        """Scores of topics; see `keras_textgen.evaluate_model`.

        Args:
            data: A corpus. Its documents without a known word are left out.
            watch: Sees how the classifiers of codes advance.

        Returns:
            "model" and what `topic_report` gives.

        Raises:
            ValueError: If the data are of another kind, or the model has no
                vocabulary or no topics.
        """
        if not is_corpus(data):
            raise refused(
                f"data of type {type(data).__name__}",
                "a corpus, as load_documents gives it",
            )
        if self.vocabulary is None:
            raise refused(
                "the model has no vocabulary", "a model made with one"
            )
        counts, labels = {}, {}
        for split in SPLITS:
            every = count_words(getattr(data, split), self.vocabulary)
            known = np.diff(every.indptr) > 0
            counts[split] = every[known]
            if data.labels:
                labels[split] = data.labels[split][known]
        return self.report_of_counts(counts, labels, watch=watch)

    def report_of_counts(
        self,
        counts: dict[str, Any],
        labels: dict[str, np.ndarray],
        *,
        watch: Watch = unwatched,
    ) -> dict[str, Any]:
        """`report` of documents whose words are counted already.

        Args:
            counts: Of words, CSR [documents, words], by split.
            labels: Of the same documents, by split; empty for none.
            watch: As in `report`.

        Raises:
            ValueError: If the model has no topics.
        """
        self._check_topics()
        shown = min(_WORDS_A_TOPIC, self.num_words)
        topics = FoundTopics(
            self.topics(counts["train"]),
            self.topics(counts["test"]),
            self.topic_word_columns(shown).numpy(),
        )
        report = topic_report(
            {self.table_name: topics},
            {split: self.encode(each) for split, each in counts.items()},
            counts,
            labels,
            num_topics=self.num_topics,
            seed=self.seed,
            watch=watch,
        )
        figures = self.own_figures(counts["test"])
        return {"model": type(self).__name__, **report, **figures}
