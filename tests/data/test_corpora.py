"""Corpora as token ids: made-up files, and the real ones where present."""

import numpy as np
import pytest

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.corpora import DataError, load_corpus
from keras_textgen.data.readers.files import SPLITS


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def to_texts(corpus, split):
    texts = corpus.vocabulary.to_text(getattr(corpus, split))
    return [text.decode() for text in texts.numpy()]


@pytest.fixture
def text_file(tmp_path):
    lines = [f"the {'big ' * (i % 7)}cat nr {i}" for i in range(100)]
    return write(tmp_path / "cats.txt", "\n".join(lines))


@pytest.fixture
def ptb_folder(tmp_path):
    for split in SPLITS:
        write(tmp_path / f"ptb.{split}.txt", " a b c \n b <unk> \n" * 50)
    return tmp_path


@pytest.fixture
def imdb_folder(tmp_path):
    for split in ("train", "test"):
        for label in ("neg", "pos"):
            for number in range(10):
                words = " ".join(f"w{i}" for i in range(10 * number + 1))
                write(
                    tmp_path / "aclImdb" / split / label / f"{number}_5.txt",
                    f"{label}, <br />{words}!",
                )
    return tmp_path


@pytest.fixture
def yahoo_folder(tmp_path):
    for split in ("valid", "test"):
        lines = [f"what 's {'_UNK ' * (i % 3)}n {i}" for i in range(20)]
        write(tmp_path / f"yahoo.{split}.txt", "\n".join(lines))
    return tmp_path


def test_text(text_file):
    corpus = load_corpus("text", text_file)
    assert corpus.order == "length"
    assert corpus.dropped == {}
    texts = [text for split in SPLITS for text in to_texts(corpus, split)]
    known = [text for text in texts if "<unk>" not in text]
    lines = text_file.read_text("utf-8").split("\n")
    lines = [" ".join(line.split()) for line in lines]
    # Words of the training split are known, so its lines come back whole.
    assert len(known) >= 80
    assert set(known) <= set(lines)


def test_the_vocabulary_comes_from_the_training_split(tmp_path):
    write(tmp_path / "train.txt", "a b b")
    write(tmp_path / "valid.txt", "b c")
    write(tmp_path / "test.txt", "d a")
    corpus = load_corpus("text", tmp_path)
    assert corpus.vocabulary.get_vocabulary()[4:] == ["b", "a"]
    assert to_texts(corpus, "valid") == ["b <unk>"]
    assert to_texts(corpus, "test") == ["<unk> a"]


def test_sizes_of_the_vocabulary(text_file):
    assert load_corpus("text", text_file, vocab_size=7).vocabulary.size == 7
    corpus = load_corpus("text", text_file, min_count=2)
    assert corpus.vocabulary.get_vocabulary()[4:] == ["big", "cat", "nr", "the"]


def test_longer_sequences_are_dropped_and_counted(text_file):
    whole = load_corpus("text", text_file)
    corpus = load_corpus("text", text_file, max_length=5)
    for split in SPLITS:
        expected = [
            text for text in to_texts(whole, split) if len(text.split()) <= 5
        ]
        assert to_texts(corpus, split) == expected
        dropped = len(to_texts(whole, split)) - len(expected)
        assert corpus.dropped[split] == dropped
    assert sum(corpus.dropped.values()) > 0


def test_ptb_sentences(ptb_folder):
    corpus = load_corpus("ptb", ptb_folder, protocol="sentences")
    assert corpus.order == "length"
    assert corpus.train.to_list()[:2] == [[2, 5, 4, 6, 3], [2, 4, 1, 3]]


def test_ptb_stream_is_the_default(ptb_folder):
    corpus = load_corpus("ptb", ptb_folder, window=4, batch_size=3)
    assert corpus.order == "stream"
    # 50 times a b c </s> b <unk> </s>, three rows of 116 tokens.
    stream = np.array([5, 4, 6, 3, 4, 1, 3] * 50)
    windows = corpus.test.to_tensor().numpy()
    assert windows.shape == (3 * 28, 5)
    np.testing.assert_array_equal(windows[3 * 2 + 1], stream[116 + 8 :][:5])
    batches = SequenceBatches(corpus.train, 3, order=corpus.order)
    first = next(iter(batches.training_stream())).numpy()
    starts = np.array([[0], [116], [232]])
    np.testing.assert_array_equal(first, stream[starts + np.arange(5)])


def test_imdb(imdb_folder):
    corpus = load_corpus("imdb", imdb_folder)
    test = to_texts(corpus, "test")
    # neg br w0, then neg br w0 ... w10: 13 words; all the others are longer.
    assert test[0] == "neg br w0"
    assert test[1] == "neg br " + " ".join(f"w{i}" for i in range(11))
    assert test[2] == "neg br " + " ".join(f"w{i}" for i in range(12))
    assert test[3] == " ".join(f"w{i}" for i in range(7, 21))
    assert len(test) == 2 * (2 + 2 * 8)
    assert corpus.labels["test"].tolist() == [0] * 18 + [1] * 18
    assert corpus.label_names == ("negative", "positive")
    lengths = corpus.test.row_lengths().numpy()
    assert lengths.max() == 16
    assert np.all(corpus.test[:, :1].flat_values.numpy() == 2)
    assert np.all(corpus.test[:, -1:].flat_values.numpy() == 3)
    for split in SPLITS:
        assert len(corpus.labels[split]) == getattr(corpus, split).nrows()


def test_imdb_with_a_limit_keeps_labels_in_step(imdb_folder):
    for label in ("neg", "pos"):
        held_out = imdb_folder / "aclImdb" / "train" / label / "9_5.txt"
        write(held_out, "w0")
    corpus = load_corpus("imdb", imdb_folder, max_length=13)
    assert to_texts(corpus, "test")[::2] == ["neg br w0", "pos br w0"]
    assert corpus.labels["test"].tolist() == [0, 0, 1, 1]


def test_labels_stay_with_their_texts(tmp_path):
    lines = [f"{i % 2}\t{'w ' * (i % 5)}w{i % 2}" for i in range(100)]
    path = write(tmp_path / "lines.txt", "\n".join(lines))
    corpus = load_corpus("text", path, max_length=3)
    assert corpus.label_names == ("0", "1")
    assert sum(corpus.dropped.values()) == 40
    for split in SPLITS:
        texts = to_texts(corpus, split)
        assert corpus.labels[split].dtype == np.int32
        assert corpus.labels[split].tolist() == [int(t[-1]) for t in texts]


def test_imdb_takes_the_words_of_all_training_reviews(imdb_folder):
    # Only the last review of each label, which is held out, has w85.
    assert "w85" in load_corpus("imdb", imdb_folder).vocabulary.get_vocabulary()


def test_yahoo(yahoo_folder):
    write(yahoo_folder / "yahoo.train.txt", "what 's n _UNK ?")
    corpus = load_corpus("yahoo", yahoo_folder)
    assert (corpus.name, corpus.note, corpus.labels) == ("yahoo", "", {})
    assert corpus.label_names == ()
    assert corpus.vocabulary.get_vocabulary()[4:] == ["'s", "?", "n", "what"]
    assert corpus.train.to_list() == [[2, 7, 4, 6, 1, 5, 3]]


def test_yahoo_reduced(yahoo_folder):
    corpus = load_corpus("yahoo", yahoo_folder)
    assert corpus.name == "yahoo_reduced"
    assert corpus.note.startswith("yahoo.train.txt is missing: ")
    assert corpus.train.nrows() == 18
    assert to_texts(corpus, "train")[1] == "what 's <unk> n 1"
    # The words of what is held out are not in the vocabulary.
    valid = ["what 's n <unk>", "what 's <unk> n <unk>"]
    assert to_texts(corpus, "valid") == valid
    assert "_UNK" not in corpus.vocabulary.get_vocabulary()


@pytest.mark.parametrize("name", ["yahoo_short", "dbpedia"])
def test_corpora_with_classes(tmp_path, name):
    for split in SPLITS:
        write(tmp_path / f"{split}.txt", "a _UNK b c\n" + "b a\n" * 10)
        write(tmp_path / f"{split}_class_label.txt", "7\n" + "9\n" * 10)
    corpus = load_corpus(name, tmp_path, max_length=3)
    assert corpus.name == name
    assert corpus.dropped == dict.fromkeys(SPLITS, 1)
    assert corpus.labels["test"].tolist() == [9] * 10
    assert len(corpus.label_names) in (10, 14)
    (tmp_path / "train.txt").unlink()
    corpus = load_corpus(name, tmp_path)
    assert corpus.name == f"{name}_reduced"
    assert corpus.labels["train"].tolist() == [7] + [9] * 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "wiki"},
            "dataset='wiki' as texts; allowed: sotu, ptb, yahoo, yahoo_short, "
            "dbpedia, imdb, prepared, text",
        ),
        ({"name": "prepared"}, "name='prepared'; allowed: open_prepared"),
        ({"protocol": "words"}, "protocol='words' for text; allowed: None"),
        ({"protocol": "stream"}, "protocol='stream' for text"),
        ({"max_length": 0}, "max_length=0; allowed: whole numbers, 1 or more"),
        ({"batch_size": 0}, "batch_size=0; allowed: whole numbers, 1 or more"),
        ({"window": 1}, "window=1; allowed: whole numbers, 2 or more"),
        ({"vocab_size": 4}, "max_size=4; allowed: more than"),
        ({"min_count": 0}, "min_count=0; allowed: whole numbers, 1 or more"),
        ({"min_count": 1000}, "no word occurs min_count=1000 times"),
        ({"vocab_size": 0}, "max_size=0; allowed: more than"),
        ({"vocab_size": 9.5}, "max_size=9.5; allowed: more than"),
        ({"vocab_size": "9"}, "max_size=9; allowed: more than"),
        ({"window": 5}, "window=5 for text, which is not cut into windows; al"),
        ({"batch_size": 5}, "batch_size=5 for text, which is not cut into a s"),
    ],
)
def test_arguments_are_checked(text_file, arguments, message):
    with pytest.raises(ValueError, match=message):
        load_corpus(**{"name": "text", "data_dir": text_file} | arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "ptb",
            {"protocol": "sentences", "window": 9},
            "window=9 for ptb with protocol='sentences', which is not cut into "
            "windows; allowed: None",
        ),
        (
            "ptb",
            {"protocol": "sentences", "batch_size": 20},
            "batch_size=20 for ptb with protocol='sentences', which is not cut "
            "into a stream; allowed: None",
        ),
        (
            "imdb",
            {"batch_size": 20},
            "batch_size=20 for imdb, which is not cut",
        ),
        (
            "ptb",
            {"seed": 1},
            "seed=1 for ptb as texts; allowed: None; it has a",
        ),
        (
            "imdb",
            {"split": "random"},
            "split=random for imdb as texts; allowed",
        ),
        (
            "ptb",
            {"label_column": "mood"},
            "label_column=mood for ptb as texts; allowed: None; it has a "
            "meaning for text only",
        ),
    ],
)
def test_what_a_corpus_has_no_use_for_is_refused(
    ptb_folder, imdb_folder, name, arguments, message
):
    folder = {"ptb": ptb_folder, "imdb": imdb_folder}[name]
    with pytest.raises(ValueError, match=f"^{message}"):
        load_corpus(name, folder, **arguments)


def test_files_for_a_corpus_that_is_installed_are_refused(text_file):
    with pytest.raises(
        ValueError, match=r"^data_dir=.* for sotu as texts; all"
    ):
        load_corpus("sotu", text_file)


def test_a_vocabulary_of_one_word_is_refused(tmp_path):
    path = write(tmp_path / "same.txt", "same same\n" * 20)
    with pytest.raises(DataError, match=r"^text: a vocabulary of 1 word; "):
        load_corpus("text", path)
    for split in SPLITS:
        write(tmp_path / f"ptb.{split}.txt", "same\n")
    with pytest.raises(DataError, match=r"^ptb: a vocabulary of 1 word; "):
        load_corpus("ptb", tmp_path)


def test_nothing_left_in_a_split_is_refused(text_file, ptb_folder):
    with pytest.raises(DataError, match="no sequence of train has at most max"):
        load_corpus("text", text_file, max_length=2)
    with pytest.raises(DataError, match="350 tokens in 200 rows fill no wind"):
        load_corpus("ptb", ptb_folder, batch_size=200)


def test_a_review_without_words_is_refused(imdb_folder):
    write(imdb_folder / "aclImdb" / "train" / "neg" / "0_5.txt", "...!")
    with pytest.raises(DataError, match="sequence 1 of train is without words"):
        load_corpus("imdb", imdb_folder)


def test_sotu():
    corpus = load_corpus("sotu", max_length=30)
    assert corpus.vocabulary.size == 10_000
    assert corpus.train.nrows() > 30_000
    tokens = corpus.test.flat_values.numpy()
    assert np.mean(tokens == 1) < 0.05
    assert len(corpus.labels["test"]) == corpus.test.nrows()
    assert corpus.label_names[corpus.labels["train"].max()] == "Whig"


def test_real_ptb_sentences(shared_data):
    corpus = load_corpus("ptb", shared_data / "ptb", protocol="sentences")
    assert corpus.vocabulary.size == 10_002
    splits = [SequenceBatches(getattr(corpus, name), 32) for name in SPLITS]
    assert [split.num_sequences for split in splits] == [42_068, 3_370, 3_761]
    assert splits[2].num_predicted_tokens == 82_430
    # The words <unk> stand for is the only unknown one in training.
    lines = (shared_data / "ptb" / "ptb.train.txt").read_text("utf-8")
    unknown = np.count_nonzero(corpus.train.flat_values.numpy() == 1)
    assert unknown == lines.split().count("<unk>")
    first = " ".join(lines.split("\n", 1)[0].split())
    assert to_texts(corpus, "train")[0] == first


def test_real_ptb_events(shared_data):
    lines = (shared_data / "ptb" / "ptb.train.txt").read_text("utf-8")
    words = set(lines.split()) - {"<unk>"}
    assert len(words) == 9_998
    corpus = load_corpus("ptb", shared_data / "ptb", protocol="sentences")
    assert set(corpus.vocabulary.get_vocabulary()[4:]) == words
    # Targets are the words, <unk> and the end, never padding or the start.
    targets = corpus.train[:, 1:].flat_values.numpy()
    assert len(np.unique(targets)) == 10_000


def test_real_ptb_stream(shared_data):
    corpus = load_corpus("ptb", shared_data / "ptb")
    batches = SequenceBatches(corpus.train, 20, order=corpus.order)
    assert corpus.vocabulary.size == 10_002
    assert batches.steps_per_epoch == 2_323
    assert corpus.train.shape == (2_323 * 20, 21)


@pytest.mark.slow
def test_real_imdb(shared_data):
    corpus = load_corpus("imdb", shared_data)
    # 25,000 reviews give two sequences each, but for the shortest.
    counts = {split: len(corpus.labels[split]) for split in SPLITS}
    assert 49_900 < counts["train"] + counts["valid"] <= 50_000
    assert 49_900 < counts["test"] <= 50_000
    lengths = corpus.train.row_lengths().numpy()
    assert lengths.max() == 16
    # Keras's own count of the words of its training reviews is 88,582.
    assert abs(corpus.vocabulary.size - 4 - 88_582) <= 5
    assert corpus.vocabulary.get_vocabulary()[4:7] == ["the", "and", "a"]


def reduced_corpus(name, folder):
    """A real corpus without its training file."""
    if not folder.is_dir():
        pytest.skip(f"no corpus in {folder}")
    corpus = load_corpus(name, folder)
    if corpus.name == name:
        pytest.skip(f"{folder} holds the training file")
    assert corpus.name == f"{name}_reduced"
    return corpus


def unknown_share(tokens):
    return np.mean(tokens[:, 1:-1].flat_values.numpy() == 1)


def test_real_yahoo_reduced(shared_data):
    corpus = reduced_corpus("yahoo", shared_data / "yahoo_answers_docs")
    counts = [int(getattr(corpus, split).nrows()) for split in SPLITS]
    assert counts == [9_000, 1_000, 10_000]
    assert corpus.labels == {}
    # 10,000 texts do not hold all words of the preparation.
    assert 10_000 < corpus.vocabulary.size < 20_000
    lengths = corpus.test.row_lengths().numpy() - 2
    assert (lengths.min(), lengths.max()) == (20, 200)
    assert lengths.sum() == 788_673
    # 33,081 of them are unknown in the file.
    assert 33_081 / 788_673 < unknown_share(corpus.test) < 0.06


@pytest.mark.parametrize(
    ("name", "classes", "limits"),
    [("yahoo_short", 10, (5, 30)), ("dbpedia", 14, (1, 60))],
)
def test_real_corpora_with_classes(shared_data, name, classes, limits):
    corpus = reduced_corpus(name, shared_data / name)
    for split, count in {"train": 900, "valid": 100, "test": 1_000}.items():
        of_class = np.bincount(corpus.labels[split])
        np.testing.assert_array_equal(of_class, [count] * classes)
        assert getattr(corpus, split).nrows() == count * classes
    lengths = corpus.train.row_lengths().numpy() - 2
    assert limits[0] <= lengths.min() <= lengths.max() <= limits[1]
    assert 0.03 < unknown_share(corpus.test) < 0.15


# A word that is most frequent in the texts of one class.
YAHOO_WORDS = "god theory doctor homework computer team credit song love bush"
DBPEDIA_WORDS = (
    "company school singer footballer politician ship building river village "
    "moth plant album film novel"
)


@pytest.mark.parametrize(
    ("name", "words"),
    [("yahoo_short", YAHOO_WORDS), ("dbpedia", DBPEDIA_WORDS)],
)
def test_real_names_of_classes(shared_data, name, words):
    corpus = reduced_corpus(name, shared_data / name)
    known = corpus.vocabulary.get_vocabulary()
    tokens = corpus.train.to_tensor().numpy()
    found = []
    for word in words.split():
        rows = np.any(tokens == known.index(word), axis=1)
        counts = np.bincount(corpus.labels["train"][rows])
        found.append(corpus.label_names[np.argmax(counts)])
    assert tuple(found) == corpus.label_names
