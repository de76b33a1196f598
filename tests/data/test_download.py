"""Downloads, from a server on this machine."""

import contextlib
import hashlib
import http.server
import io
import subprocess
import sys
import tarfile
import threading

import pytest

from keras_textgen.data.corpus import DataError, read_corpus
from keras_textgen.data.download import download, fetch
from keras_textgen.datasets import DATASETS, Download

CONTENT = bytes(range(256)) * 5000


class Publisher(http.server.BaseHTTPRequestHandler):
    """Gives one file, or less of it than it says."""

    def do_GET(self):
        if self.path == "/gone":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        half = len(CONTENT) // 2
        whole = self.path == "/a.bin"
        with contextlib.suppress(OSError):
            self.wfile.write(CONTENT if whole else CONTENT[:half])

    def log_message(self, *message):
        pass


@pytest.fixture
def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def source(address, checksum, name="a.bin"):
    return Download(f"{address}/{name}", "a.bin", checksum, "none")


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_file_is_checked_and_kept(address, tmp_path, kind):
    checksum = f"{kind}:{hashlib.new(kind, CONTENT).hexdigest()}"
    folder, said = tmp_path / "new" / "one", []
    path = fetch(source(address, checksum), folder, said.append)
    assert path == folder / "a.bin"
    assert path.read_bytes() == CONTENT
    assert said == [
        "Licence of a.bin: none.",
        f"{path}: from {address}/a.bin.",
    ]
    # It is not asked for again: the other address has but half of it.
    again = source(address, checksum, "half")
    assert fetch(again, folder, said.append) == path
    assert said[-1] == f"{path}: there already."
    assert list(folder.iterdir()) == [path]


def test_a_file_of_no_known_checksum(address, tmp_path):
    said = []
    path = fetch(source(address, None), tmp_path, said.append)
    expected = hashlib.sha256(CONTENT).hexdigest()
    assert said[-1] == (
        f"{path}: no checksum is known to compare; this file has "
        f"sha256:{expected}."
    )


def test_another_file(address, tmp_path):
    found = hashlib.md5(CONTENT).hexdigest()
    with pytest.raises(
        DataError, match=f"^{address}/a.bin: md5:{found}; allowed: md5:0+, as "
    ):
        fetch(source(address, f"md5:{'0' * 32}"), tmp_path)
    assert list(tmp_path.iterdir()) == []
    path = tmp_path / "a.bin"
    path.write_bytes(b"of the user")
    with pytest.raises(DataError, match=f"^{path}: md5:.*; allowed: md5:0+"):
        fetch(source(address, f"md5:{'0' * 32}"), tmp_path)
    assert path.read_bytes() == b"of the user"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("half", r"half: .*; allowed: "),
        (
            "gone",
            r"gone: cannot be downloaded \(.*Not Found\); allowed: ",
        ),
    ],
)
def test_interrupted(address, tmp_path, name, message):
    with pytest.raises(DataError, match=message) as error:
        fetch(source(address, None, name), tmp_path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_interrupted_by_the_user(address, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_textgen.data.download._compare", stop)
    with pytest.raises(KeyboardInterrupt):
        fetch(source(address, None), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_leaves_is_hidden_and_written_over(address, tmp_path):
    left = tmp_path / ".a.bin.unfinished"
    left.write_bytes(b"half")
    path = fetch(source(address, None), tmp_path)
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


def test_offline_is_one_line(tmp_path):
    """The port of a server that has gone; before TensorFlow is imported."""
    server = http.server.HTTPServer(("127.0.0.1", 0), Publisher)
    port = server.server_port
    server.server_close()
    with pytest.raises(
        DataError,
        match=rf":{port}/a.bin: cannot be downloaded \(.*refused\); allowed: a "
        rf"connection to it, or the file, got elsewhere, in {tmp_path}$",
    ):
        fetch(source(f"http://127.0.0.1:{port}", None), tmp_path)
    code = (
        "import dataclasses, sys, types\n"
        "from keras_textgen import datasets\n"
        "row = datasets.DATASETS['ptb']\n"
        f"gone = 'http://127.0.0.1:{port}/x.tgz'\n"
        "there = dataclasses.replace(row.download, address=gone)\n"
        "row = dataclasses.replace(row, download=there)\n"
        "datasets.DATASETS = types.MappingProxyType(\n"
        "    {**datasets.DATASETS, 'ptb': row})\n"
        "from keras_textgen.__main__ import main\n"
        "status = main(['trainer.py', '--dataset=ptb', '--download',\n"
        "               f'--data_dir={sys.argv[1]}/ptb',\n"
        "               f'--run_dir={sys.argv[1]}/run'])\n"
        "assert status == 2\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Licence of simple-examples.tgz: the text is")
    (line,) = done.stderr.splitlines()
    assert line.startswith("trainer.py: error: http://127.0.0.1")
    assert "allowed: a connection" in line


@pytest.mark.parametrize(
    "name", [name for name, row in DATASETS.items() if row.download]
)
def test_rows(name):
    row = DATASETS[name].download
    kind, _, value = row.checksum.partition(":")
    assert len(value) == 2 * hashlib.new(kind).digest_size
    assert set(value) <= set("0123456789abcdef")
    assert row.address.startswith("http")
    assert row.licence.rstrip(".") == row.licence != ""


def test_what_cannot_be_downloaded():
    with pytest.raises(ValueError, match=r"^download of dataset='text'; allow"):
        download("text", ".")


def test_ptb_is_read_from_its_archive(tmp_path):
    path = tmp_path / "simple-examples.tgz"
    lines = {"train": b"no it was n't\n", "valid": b"a <unk>\n", "test": b"N\n"}
    with tarfile.open(path, "w:gz") as archive:
        for split, content in {**lines, "char.train": b"_ a\n"}.items():
            info = tarfile.TarInfo(f"./simple-examples/data/ptb.{split}.txt")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    for data_dir in (path, tmp_path):
        corpus = read_corpus("ptb", "texts", data_dir=data_dir)
        assert corpus.train == ["no it was n't"]
        assert (corpus.valid, corpus.test) == (["a <unk>"], ["N"])
    with tarfile.open(path, "w:gz") as archive:
        pass
    with pytest.raises(DataError, match=r"data/ptb.train.txt is missing; all"):
        read_corpus("ptb", "texts", data_dir=path)
