"""Subwords from the shell: settings, refusals, and a whole run."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from keras_textgen import from_preset, load_model, save_to_preset
from keras_textgen.cli import settings
from keras_textgen.cli.recipes import find_recipes
from keras_textgen.data.corpus import DataError
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.tasks import text as text_task
from keras_textgen.tasks.base import unknown_words_text
from keras_textgen.tasks.documents import DocumentTask
from tests.data.subwords.corpus import TEXTS, need_packages

ROOT = pathlib.Path(__file__).parents[2]
SUBWORDS = "--tokenizer=subword"


def parse(*arguments):
    return settings.parse(["trainer.py", *arguments], find_recipes())


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    texts = [f"{text} {n}" for n, text in enumerate(TEXTS)]
    path.write_text("\n".join(texts), "utf-8")
    return path


def flags_of(lines, *more, model="lstm_lm"):
    given = [f"--model={model}", "--dataset=text", f"--data_dir={lines}"]
    return parse(*given, *more)


# -- Settings -----------------------------------------------------------------


def test_what_a_recipe_says_of_words_is_not_said_of_subwords():
    given = ["--model=lstm_vae", "--dataset=text", "--data_dir=."]
    words = parse(*given)
    assert (words.min_count, words.vocab_size) == (2, 10000)
    subwords = parse(*given, SUBWORDS)
    assert (subwords.min_count, subwords.vocab_size) == (None, None)
    assert "--min_count" not in settings.flagfile_text(subwords)
    asked = parse(*given, SUBWORDS, "--vocab_size=300")
    assert asked.vocab_size == 300


def test_a_run_goes_on_with_its_flags(tmp_path):
    given = ["--model=lstm_vae", f"--run_dir={tmp_path}"]
    first = parse(*given, SUBWORDS, "--vocab_size=300", "--subwords=bpe")
    text = settings.flagfile_text(first)
    (tmp_path / "flags.txt").write_text(text, "utf-8")
    again = parse(*given)
    assert (again.vocab_size, again.subwords) == (300, "bpe")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [SUBWORDS, "--min_count=2"],
            "--min_count has a meaning only with --tokenizer=word or "
            "character, not with --tokenizer=subword",
        ),
        (
            ["--subwords=bpe"],
            "--subwords has a meaning only with --tokenizer=subword, not with "
            "--tokenizer=word",
        ),
        (
            ["--tokenizer=character", "--tokenizer_file=a.model"],
            "--tokenizer_file has a meaning only with --tokenizer=subword, not "
            "with --tokenizer=character",
        ),
        (
            [SUBWORDS, "--tokenizer_file=/no/file", "--vocab_size=300"],
            "--vocab_size=300 with --tokenizer_file=/no/file, which has its "
            "own; allowed: one of them",
        ),
        (
            [SUBWORDS, "--tokenizer_file=/no/file"],
            "--tokenizer_file=/no/file: no such file or folder",
        ),
        (
            [SUBWORDS, "--model=sae"],
            "--tokenizer=subword with --model=sae; allowed: word or character, "
            "as topics are lists of words",
        ),
        (
            [SUBWORDS, "--model=prodlda"],
            "--tokenizer=subword with --model=prodlda; allowed: word or "
            "character, as topics are lists of words",
        ),
        (
            [SUBWORDS, "--model=dmf"],
            "--tokenizer has a meaning only with --model=hdgm or vae",
        ),
        (
            [SUBWORDS, "--model=han", "--word_vectors=setup.py"],
            "setup.py with --tokenizer=subword; allowed: --tokenizer=word",
        ),
        (
            ["--tokenizer=bpe"],
            "--tokenizer=bpe: must be one of word, character, subword",
        ),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(settings.RunError) as error:
        parse(*arguments)
    assert message in str(error.value)


def test_sizes_that_the_texts_do_not_allow(lines):
    need_packages()
    with pytest.raises(settings.RunError) as error:
        text_task.TextTask(flags_of(lines, SUBWORDS, "--vocab_size=8000"))
    text = str(error.value)
    assert f"--data_dir={lines}: --vocab_size=8000 for these texts" in text
    assert "; allowed: at most " in text
    assert "\n" not in text


def test_a_file_that_is_none(lines):
    with pytest.raises((settings.RunError, DataError)) as error:
        text_task.TextTask(
            flags_of(lines, SUBWORDS, f"--tokenizer_file={lines}")
        )
    assert "no SentencePiece model; allowed: a .model" in str(error.value)


def test_without_the_extra_it_is_a_line(lines, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(settings.RunError) as error:
        text_task.TextTask(flags_of(lines, SUBWORDS))
    assert str(error.value).endswith(
        "training of subwords without sentencepiece, which is not installed; "
        "allowed: pip install 'keras-textgen[subwords]'"
    )


def test_many_unknown_subwords():
    text = unknown_words_text({"train": 0.4}, "subword")
    assert text.startswith("Unknown subwords: 40.0 % of train.\n")
    assert "--subwords=unigram or bpe" in text


# -- Data ---------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["unigram", "bpe", "wordpiece"])
def test_a_corpus_of_subwords(lines, algorithm, capsys):
    need_packages()
    values = flags_of(lines, SUBWORDS, f"--subwords={algorithm}")
    task = text_task.TextTask(values)
    assert "Unknown subwords: " in capsys.readouterr().out
    assert " subwords, " in task.size_text
    texts = task.corpus.vocabulary.to_text(task.corpus.train[:5].to_tensor())
    read = set(lines.read_text("utf-8").splitlines())
    assert {text.decode() for text in texts.numpy()} <= read
    again = text_task.TextTask(values)
    assert task.fingerprint() == again.fingerprint()


def test_a_file_of_subwords(lines, tmp_path):
    need_packages()
    import sentencepiece

    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_prefix=str(tmp_path / "their"),
        vocab_size=50,
        minloglevel=3,
    )
    flag = f"--tokenizer_file={tmp_path / 'their.model'}"
    task = text_task.TextTask(flags_of(lines, SUBWORDS, flag))
    expected = SubwordVocabulary.from_file(tmp_path / "their.model")
    found = task.corpus.vocabulary.get_vocabulary()
    assert found == expected.get_vocabulary()


def test_documents_of_subwords(tmp_path):
    """HAN reads subwords in the place of words, of each sentence."""
    need_packages()
    path = tmp_path / "labeled.tsv"
    path.write_text("\n".join(f"{t[0]}\t{t} So!" for t in TEXTS), "utf-8")
    sizes = ["--embedding_dim=2", "--rnn_units=2", "--attention_units=2"]
    values = flags_of(path, SUBWORDS, *sizes, model="han")
    task = DocumentTask(values)
    model = task.build_model()
    document = "A hat. The mat saw!"
    shown = model.attention([document])[0]
    joined = ["".join(words) for words in shown.words]
    assert joined == ["▁A▁hat.", "▁The▁mat▁saw!"]
    assert model.predict([document], verbose=0).shape == (1, 4)


# -- A run --------------------------------------------------------------------

RUN = [
    "--model=lstm_lm",
    "--dataset=text",
    "--tokenizer=subword",
    "--subwords=bpe",
    "--epochs=1",
    "--embedding_dim=4",
    "--rnn_units=4",
    "--batch_size=16",
    "--importance_samples=0",
    "--num_samples=2",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """What a run from the shell has printed, and its folder."""
    need_packages()
    folder = tmp_path_factory.mktemp("run")
    lines = folder / "lines.txt"
    lines.write_text("\n".join(TEXTS), "utf-8")
    command = [sys.executable, "trainer.py", *RUN, f"--data_dir={lines}"]
    run = folder / "run"
    done = subprocess.run(
        [*command, f"--run_dir={run}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, run


def test_what_a_run_prints(finished):
    out, _ = finished
    assert "\n  perplexity per subword  " in out
    assert "  validation  nll " in out
    assert " perplexity per subword " in out
    assert "\n  per byte of it " in out
    assert "tf.saved_model.load loads it, after import tensorflow_text" in out


def test_its_model_and_a_preset_of_it_answer_alike(finished, tmp_path):
    _, run = finished
    model = load_model(run)
    scores = model.log_likelihood(TEXTS[:5])
    save_to_preset(model, tmp_path / "preset")
    again = from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(
        again.vocabulary(TEXTS), model.vocabulary(TEXTS)
    )
    np.testing.assert_allclose(
        again.log_likelihood(TEXTS[:5]), scores, rtol=1e-3
    )
    header = (run / "metrics.csv").read_text().splitlines()[0]
    assert {"val_nll", "val_perplexity"} <= set(header.split(","))


_CLIENT = """
import sys
absent = ("keras_textgen", "tensorflow_probability", "sentencepiece")
not_yet = ("keras", "tf_keras", "tensorflow_text")
sys.modules |= dict.fromkeys((*absent, *not_yet))
import numpy as np
import tensorflow as tf
path, = sys.argv[1:]
alone = tf.saved_model.load(f"{path}/tokens")
tokens = tf.constant([[2, 270, 271, 3]])
nll = alone.score_tokens(tokens)["nll"]
text, = alone.generate(1)["text"].numpy()
text.decode()
assert sorted(alone.signatures) == [
    "generate", "log_likelihood_tokens", "score_tokens"
]
try:
    tf.saved_model.load(path)
except Exception as error:
    assert "SentencepieceOp" in str(error)
else:
    raise AssertionError
for name in not_yet:
    del sys.modules[name]
import tensorflow_text
served = tf.saved_model.load(path)
np.testing.assert_array_equal(served.score(tokens)["nll"], nll)
for text in ("The cat", "The\\u00a0 c\\u00adat "):
    print(repr(float(served.score(tf.constant([text]))["nll"][0])))
print(served.score(tf.constant([], tf.string))["nll"].shape)
"""


def test_its_export_takes_texts(finished):
    _, run = finished
    done = subprocess.run(
        [sys.executable, "-c", _CLIENT, run / "export"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *scores, shape = done.stdout.splitlines()
    assert shape == "(0,)"
    model = load_model(run)
    expected = -model.log_likelihood(["The cat"])[0]
    np.testing.assert_allclose(list(map(float, scores)), expected, rtol=1e-5)
