"""Word vectors: the formats of GloVe and word2vec, and lines refused."""

import gzip

import numpy as np
import pytest

from keras_textgen.data.readers.files import DataError
from keras_textgen.data.readers.word_vectors import read_word_vectors

WORDS = ["", "<unk>", "the", "café", "new york", "absent"]
GLOVE = "the 0.5 -1\nother 9 9\ncafé 1e-2 3\nthe 7 7\nnew york 4 5\n"
EXPECTED = [[0.5, -1], [0.01, 3], [4, 5]]


@pytest.fixture
def write(tmp_path):
    def write(content, name="vectors.txt"):
        path = tmp_path / name
        content = content.encode() if isinstance(content, str) else content
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        GLOVE,
        GLOVE.replace("\n", "\r\n"),
        # word2vec: a heading, and a space at the end of each line.
        "5 2\n" + GLOVE.replace("\n", " \n"),
        GLOVE.removesuffix("\n"),
        GLOVE.replace("the 0.5 -1", "the\t0.5\t-1"),
        "\ufeff" + GLOVE,
        "\ufeff5\t2\n" + GLOVE.replace("café 1e-2 ", "café\t1e-2\t"),
    ],
)
def test_formats(write, text):
    found = read_word_vectors(write(text), WORDS)
    assert found.rows.tolist() == [2, 3, 4]
    np.testing.assert_array_equal(found.vectors, np.float32(EXPECTED))
    assert found.vectors.dtype == np.float32


def test_compressed(write):
    path = write(gzip.compress(GLOVE.encode()), "vectors.txt.gz")
    np.testing.assert_array_equal(
        read_word_vectors(path, WORDS).vectors, np.float32(EXPECTED)
    )


def test_a_word_may_be_a_number_after_the_first_line(write):
    found = read_word_vectors(write("the 1\n5 2\n"), ["5", "the"])
    assert found.vectors.tolist() == [[2], [1]]


def test_numbers_of_words_left_out_are_not_read(write):
    found = read_word_vectors(write("other x y\nthe 1 2\n"), WORDS)
    assert found.vectors.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("the 1 2\ncafé 1\n", ":2: not a word and 2 numbers; allowed: "),
        ("the 1 2\n\n", ":2: not a word and 2 numbers"),
        ("the 1 2\n 1 2\n", ":2: not a word and 2 numbers"),
        ("the\n", ":1: not a word and its numbers"),
        ("the 1 x\n", ":1: the vector holds what is no finite number"),
        ("the 1 nan\n", ":1: the vector holds what is no finite number"),
        ("5 2\nthe 1 inf\n", ":2: the vector holds what is no finite number"),
        ("the 1  2\n", ":1: the vector holds what is no finite number"),
        (b"the 1\ncaf\xe9 1\n", r":2: invalid UTF-8 \(byte 0xe9\)"),
        ("other 1 2\n", ": none of the 6 words is there"),
        ("", ": none of the 6 words is there"),
    ],
)
def test_refused(write, content, message):
    path = write(content)
    with pytest.raises(DataError, match=f"^{path}{message}") as error:
        read_word_vectors(path, WORDS)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (b"\n", "not a word and 2 numbers"),
        (b"the 7\n", "not a word and 2 numbers"),
        (b"the 1_0 7\n", "the vector holds what is no finite number"),
        (b"the 7 x\n", "the vector holds what is no finite number"),
        (b"caf\xe9 1 2\n", r"invalid UTF-8 (byte 0xe9)"),
    ],
)
@pytest.mark.parametrize("place", [0, 40, 1500])
def test_one_broken_line_among_many(write, broken, problem, place):
    lines = [b"w%d %d 1\n" % (number, number) for number in range(2000)]
    lines += [b"the 1 2\n", b"caf\xc3\xa9 3 4\n"]
    lines.insert(place, broken)
    path = write(b"".join(lines))
    found = read_word_vectors(path, WORDS)
    np.testing.assert_array_equal(found.vectors, [[1, 2], [3, 4]])
    assert found.note == (
        f"Left out: 1 of 2,003 lines; {path}:{place + 1}: {problem}."
    )
    # One in a thousand is the limit.
    path = write(b"".join([*lines, b"\n", b"\n"]))
    with pytest.raises(DataError, match=r" \(3 such lines of 2,005\); allow"):
        read_word_vectors(path, WORDS)


def test_files_that_cannot_be_read(write, tmp_path):
    with pytest.raises(DataError, match=r"none\.txt: No such file"):
        read_word_vectors(tmp_path / "none.txt", WORDS)
    whole = gzip.compress(GLOVE.encode())
    for content in (whole[:-9], b"the 1 2\n"):
        with pytest.raises(DataError, match="file is damaged"):
            read_word_vectors(write(content, "vectors.gz"), WORDS)


def test_words_in_another_spelling_of_unicode(write):
    """The vocabulary has them in the normal form of texts."""
    path = write("cafe\u0301 1 2\nthe\u200b 3 4\ncaf\xe9 5 6\n")
    found = read_word_vectors(path, WORDS)
    assert found.rows.tolist() == [2, 3]
    assert found.vectors.tolist() == [[3, 4], [1, 2]]


def test_numbers_beyond_single_precision_are_not_finite(write):
    path = write("the 1e39 1\ncaf\xe9 1 2\n")
    with pytest.raises(DataError, match=f"^{path}:1: .* no finite number"):
        read_word_vectors(path, WORDS)
