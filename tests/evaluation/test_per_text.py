"""Likelihoods per word and per byte of texts, and what perplexities are of."""

import numpy as np
import pytest

from keras_textgen import load_corpus
from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.text_size import TextSize
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.likelihoods import likelihood_report
from keras_textgen.evaluation.report import format_table
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.text.lstm_vae import LSTMVAE
from keras_textgen.models.text.lstm_vae_avg import LSTMVAEAVG
from tests.data.subwords.corpus import TEXTS, need_packages

# Of 12 and 9 bytes and 2 words each; the accent is a character of its own.
RAW = ["One\u00a0 cafe\u0301", "two three"]


def language_model(vocabulary):
    model = LSTMLanguageModel(vocabulary, embedding_dim=2, rnn_units=2)
    model.compile()
    return model


def words():
    return Vocabulary(["one", "two", "three", "café"])


def test_by_hand():
    model = language_model(words())
    results = likelihood_report(model, RAW)
    nats = -np.sum(model.log_likelihood(RAW))
    assert (results["text_words"], results["text_bytes"]) == (4, 12 + 9)
    assert results["log_likelihood_nats_per_word"] == pytest.approx(
        nats / (4 + 2), rel=1e-6
    )
    assert results["log_likelihood_bits_per_byte"] == pytest.approx(
        nats / np.log(2) / (21 + 2), rel=1e-6
    )
    # 2 words and an end each, of which the perplexity is.
    assert results["perplexity"] == pytest.approx(np.exp(nats / 6), rel=1e-5)
    lines = format_table(results).splitlines()
    assert lines[-4:] == [
        f"perplexity per word  {np.exp(nats / 6):.2f}",
        "text                 4 words, 21 bytes",
        f"per word of it       {nats / 6:.3f} nats",
        f"per byte of it       {nats / np.log(2) / 23:.3f} bits",
    ]


def test_unknown_words_are_said_where_a_likelihood_is():
    model = language_model(Vocabulary(["one", "two"]))
    results = likelihood_report(model, [*RAW, "two", "one two two two"])
    assert results["unknown_share"] == 2 / 9
    lines = format_table(results).splitlines()
    of_what = ", of the text with 22.2 % unknown"
    assert [line.split()[0] for line in lines if line.endswith(of_what)] == [
        "likelihood",
        "per",
        "per",
    ]


def test_characters():
    model = language_model(Vocabulary(list("aeort "), "characters"))
    text = format_table(likelihood_report(model, ["a rose to eat"]))
    assert "\nperplexity per character  " in text
    assert ", of the text with 7.7 % unknown\n" in text  # the s of 13


def test_bounds():
    model = LSTMVAEAVG(
        words(), embedding_dim=2, rnn_units=2, latent_dim=2, num_samples=3
    )
    model.compile()
    results = likelihood_report(model, RAW, importance_samples=3)
    assert "elbo_bits_per_byte" not in results  # no bound of it
    for name in (
        "all_kl_bound",
        "single_latent_bound",
        "importance_weighted_bound",
    ):
        assert results[f"{name}_nats_per_word"] == pytest.approx(
            -2 * results[name] / 6
        )
    text = format_table(results)
    assert text.count("perplexity per word ") == 2
    value = -2 * results["importance_weighted_bound"] / 23 / np.log(2)
    assert f"; {value:.3f} bits importance-weighted\n" in text
    model = LSTMVAE(words(), embedding_dim=2, rnn_units=2, latent_dim=2)
    model.compile()
    results = likelihood_report(model, RAW, importance_samples=0)
    assert results["elbo_nats_per_word"] == pytest.approx(
        -2 * results["elbo"] / 6
    )


def test_ids_have_no_text():
    results = likelihood_report(language_model(words()), [[2, 4, 3]])
    assert "text_bytes" not in results
    assert "per byte" not in format_table(results)


# -- Corpora ------------------------------------------------------------------


def corpus_of(path, lines, **arguments):
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return load_corpus("text", path, **arguments)


def test_texts_that_are_left_out_do_not_count(tmp_path):
    lines = [f"Word{n} \u00e9 {'x ' * (n % 3)}end" for n in range(60)]
    path = tmp_path / "lines.txt"
    whole = corpus_of(path, lines)
    short = corpus_of(path, lines, max_length=4)
    for corpus, most in ((whole, 9), (short, 4)):
        kept = [line for line in lines if len(line.split()) <= most]
        for measured, expected in (
            ("texts", len(kept)),
            ("words", sum(len(line.split()) for line in kept)),
            ("bytes", sum(len(line.encode()) for line in kept)),
        ):
            sizes = corpus.text_sizes.values()
            assert sum(getattr(s, measured) for s in sizes) == expected
    results = likelihood_report(language_model(short.vocabulary), short)
    assert results["text_bytes"] == short.text_sizes["test"].bytes


def test_windows_are_no_texts(tmp_path):
    for name in ("train", "valid", "test"):
        path = tmp_path / f"ptb.{name}.txt"
        path.write_text(" the cat sat on the mat \n" * 20, "utf-8")
    stream = load_corpus("ptb", tmp_path, batch_size=2, window=5)
    assert stream.text_sizes == {}
    sentences = load_corpus("ptb", tmp_path, protocol="sentences")
    assert sentences.text_sizes["test"].words == 6 * 20


def test_a_byte_costs_the_same_whatever_the_tokens_are(tmp_path):
    """Uniform models of words and of subwords, of one corpus."""
    need_packages()
    found = {}
    for tokenizer in ("word", "subword"):
        corpus = corpus_of(tmp_path / "a.txt", TEXTS, tokenizer=tokenizer)
        model = language_model(corpus.vocabulary)
        for weight in model.trainable_weights:
            weight.assign(0 * weight)
        found[tokenizer] = results = likelihood_report(model, corpus)
        # Padding and start never follow.
        outcomes = corpus.vocabulary.size - 2
        size = corpus.text_sizes["test"]
        assert results["unit"] == tokenizer
        assert results["log_likelihood_bits_per_byte"] == pytest.approx(
            results["predicted_tokens"]
            * np.log2(outcomes)
            / (size.bytes + size.texts),
            rel=1e-5,
        )
        assert f"perplexity per {tokenizer}  " in format_table(results)
    assert found["word"]["text_bytes"] == found["subword"]["text_bytes"]
    assert found["subword"]["unknown_share"] == 0
    assert "unknown" not in format_table(found["subword"])


def test_units_of_batches():
    batches = SequenceBatches(
        [[2, 4, 3], [2, 1, 1, 3]],
        2,
        unit="subword",
        text_size=TextSize(2, 3, 9),
    )
    assert batches.units == (5, "subwords")
    assert batches.unknown_share == 2 / 3
