"""Archives and folders of publishers, found and read."""

import re
import tarfile
import zipfile

import pytest

from keras_textgen.data.readers.archives import Publication
from keras_textgen.data.readers.files import DataError

PUBLICATION = Publication(
    corpus="songs",
    folder="songs",
    marker="index",
    archives=("songs.zip", "songs.tar.gz"),
    files="lyrics/*",
    wanted=re.compile(r"lyrics/(\d+)$"),
    address="https://example.org/",
)
EXPECTED = {f"lyrics/{i}": f"la {i}\n".encode() * 50 for i in range(9)}


@pytest.fixture
def songs(tmp_path):
    folder = tmp_path / "extracted" / "songs"
    (folder / "lyrics").mkdir(parents=True)
    for name, content in EXPECTED.items():
        (folder / name).write_bytes(content)
    (folder / "index").write_text("9")
    (folder / "lyrics" / "notes").write_text("not wanted")
    return folder


def make_zip(folder, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as members:
        for file in folder.rglob("*"):
            members.write(file, file.relative_to(folder.parent))
    return path


def make_tar(folder, path):
    with tarfile.open(path, "w:gz") as members:
        members.add(folder, folder.name)
    return path


def read(data_dir):
    contents = dict(PUBLICATION.read(PUBLICATION.find(data_dir)))
    return {name.removeprefix("songs/"): contents[name] for name in contents}


def test_every_place_gives_the_same(songs, tmp_path):
    assert read(songs) == EXPECTED
    assert read(songs.parent) == EXPECTED
    assert read(make_zip(songs, tmp_path / "renamed")) == EXPECTED
    make_tar(songs, tmp_path / "songs.tar.gz")
    assert PUBLICATION.find(tmp_path) == tmp_path / "songs.tar.gz"
    assert read(tmp_path) == EXPECTED


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_truncated_archive(songs, tmp_path, make):
    archive = make(songs, tmp_path / "songs")
    content = archive.read_bytes()
    for kept in (0, 5, 30, len(content) // 2, len(content) - 3):
        archive.write_bytes(content[:kept])
        with pytest.raises(DataError, match=f"^{archive}: .*; allowed: ") as e:
            read(archive)
        assert "\n" not in str(e.value)


def test_damaged_content_of_a_zip(songs, tmp_path):
    archive = make_zip(songs, tmp_path / "songs")
    content = bytearray(archive.read_bytes())
    name = b"songs/lyrics/4"
    place = content.index(name) + len(name) + 4
    content[place] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DataError, match=f"^{archive}: the archive is damaged"):
        read(archive)


def test_a_zip_with_a_password(songs, tmp_path):
    archive = make_zip(songs, tmp_path / "songs")
    content = bytearray(archive.read_bytes())
    # The first bit of the flags: of each file, and of its directory entry.
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for match in re.finditer(re.escape(magic), bytes(content)):
            content[match.start() + offset] |= 1
    archive.write_bytes(content)
    with pytest.raises(DataError, match=f"^{archive}: .*password.*; allowed: "):
        read(archive)


def test_refused(tmp_path):
    with pytest.raises(DataError, match=r"^songs: no data_dir .*example\.org/"):
        PUBLICATION.find(None)
    with pytest.raises(DataError, match=f"^{tmp_path}: no songs there; allowe"):
        PUBLICATION.find(tmp_path)
    missing = tmp_path / "none"
    with pytest.raises(DataError, match=f"^{missing}: no such folder; allowed"):
        PUBLICATION.find(missing)
    missing.write_text("plain text")
    with pytest.raises(DataError, match=f"^{missing}: neither a .tar.gz nor "):
        read(missing)
