"""Text files: what is read and what is refused."""

import gzip

import pytest

from keras_textgen.data.readers.files import (
    DataError,
    decode,
    read_lines,
    split_texts,
)


def write(folder, content, name="words.txt"):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"no end", ["no end"]),
        (b"dos\r\nlines\r\n", ["dos", "lines"]),
        (b"carriage\rreturns\r", ["carriage", "returns"]),
        (b"one\rwithin\ntwo\rtoo", ["one\rwithin", "two\rtoo"]),
        (b"\xef\xbb\xbfmark", ["mark"]),
        ("caf\u00e9\r\ntwo".encode("utf-16"), ["café", "two"]),
        (b"\xfe\xff" + "Ċ\none".encode("utf-16-be"), ["Ċ", "one"]),
        ("caf\u00e9\u2028one line\u0085".encode(), ["café\u2028one line\x85"]),
    ],
)
def test_lines(tmp_path, content, lines):
    assert read_lines(write(tmp_path, content)) == lines
    packed = write(tmp_path, gzip.compress(content), "words.txt.gz")
    assert read_lines(packed) == lines


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": the file is empty"),
        (b"\n", ":1: a line without words"),
        (b"one\n\nthree\n", ":2: a line without words"),
        (b"one\n \t\xc2\xa0\n", ":2: a line without words"),
        (b"one\n\xe2\x80\x8b\x01\n", ":2: a line without words"),
        (b"one\ntwo\n\n", ":3: a line without words"),
        (b"one\ntwo \xff\n", r":2: invalid UTF-8 \(byte 0xff\)"),
        (b"cut short \xc3", r":1: invalid UTF-8 \(byte 0xc3\)"),
        (b"one\ntw\0o", ":2: a zero byte"),
        ("wide".encode("utf-16-le"), ":1: a zero byte.* UTF-16 without"),
        (b"one\ncaf\xe9\n", r":2: invalid UTF-8 \(byte 0xe9\), 'é' in Latin-1"),
        (b"\x93so\x94\n", r":1: .*byte 0x93\), '“' in Windows-1252"),
        ("one\nĊ".encode("utf-16")[:-1], ":2: invalid UTF-16"),
    ],
)
def test_refused_lines(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=f"^{path}{message}.*; allowed: ") as e:
        read_lines(path)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    "content", [gzip.compress(b"a rose " * 99, mtime=0)[:-12], b"no gzip", b""]
)
def test_damaged_gzip(tmp_path, content):
    path = write(tmp_path, content, "words.txt.gz")
    with pytest.raises(DataError, match=f"^{path}: .*; allowed: "):
        read_lines(path)


def test_unreadable_file(tmp_path):
    with pytest.raises(DataError, match=f"^{tmp_path}: Is a directory"):
        read_lines(tmp_path)


def test_decode_names_its_source():
    with pytest.raises(DataError, match=r"^a\.tar: b\.txt:3: invalid UTF-8"):
        decode(b"\n\n\xff", "a.tar: b.txt")


def test_too_few_texts_to_split(tmp_path):
    with pytest.raises(DataError, match=f"^{tmp_path}: 9 sequences leave"):
        split_texts("text", ["a"] * 9, 0, tmp_path)
