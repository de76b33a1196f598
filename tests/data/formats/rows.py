"""The same rows in every format of tables."""

import contextlib
import csv
import gzip
import io
import json

import pytest

# Twelve reviews of four readers; quotes, line ends, marks and accents in them.
REVIEWS = [
    {
        "user": f"u{number % 4}",
        "item": f"f{number // 2}",
        "rating": float(1 + 4 * (number % 2)),
        "text": f'No. {number}: "café, crème"; a\nsecond line\tand | more',
        "timestamp": 1000 + (7 * number) % 12,
    }
    for number in range(12)
]
COLUMNS = tuple(REVIEWS[0])


def delimited(rows, mark=",", quotechar='"'):
    file = io.StringIO()
    writer = csv.DictWriter(
        file, COLUMNS, delimiter=mark, quotechar=quotechar, lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def json_lines(rows):
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def columnar(kind):
    def write(rows):
        pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        table = pa.Table.from_pylist(list(rows))
        file = io.BytesIO()
        if kind == "parquet":
            parquet = pytest.importorskip("pyarrow.parquet")
            parquet.write_table(table, file, row_group_size=5)
            return file.getvalue()
        writer = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
        with contextlib.closing(writer(file, table.schema)) as opened:
            opened.write_table(table, max_chunksize=5)
        return file.getvalue()

    return write


def zstandard(content):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    file = pa.BufferOutputStream()
    with pa.CompressedOutputStream(file, "zstd") as packed:
        packed.write(content)
    return file.getvalue().to_pybytes()


WRITERS = {
    "a.csv": delimited,
    "semicolons.csv": lambda rows: delimited(rows, ";"),
    "bars.csv": lambda rows: delimited(rows, "|"),
    "marked.csv": lambda rows: b"\xef\xbb\xbf" + delimited(rows),
    "wide.csv": lambda rows: delimited(rows).decode().encode("utf-16"),
    "dos.csv": lambda rows: delimited(rows).replace(b"\n", b"\r\n"),
    "mac.csv": lambda rows: delimited(rows).replace(b"\n", b"\r"),
    "a.tsv": lambda rows: delimited(rows, "\t"),
    "a.jsonl": json_lines,
    "a.parquet": columnar("parquet"),
    "a.arrow": columnar("file"),
    "stream.arrow": columnar("stream"),
    "a.csv.gz": lambda rows: gzip.compress(delimited(rows), mtime=0),
    "a.json.gz": lambda rows: gzip.compress(json_lines(rows), mtime=0),
    "a.csv.zst": lambda rows: zstandard(delimited(rows)),
    "a.ndjson.zst": lambda rows: zstandard(json_lines(rows)),
    "a.parquet.gz": lambda rows: gzip.compress(
        columnar("parquet")(rows), mtime=0
    ),
    "stream.arrow.zst": lambda rows: zstandard(columnar("stream")(rows)),
}


class Piped:
    """Standard input that bytes are piped to."""

    def __init__(self, content):
        self.buffer = io.BytesIO(content)

    def isatty(self):
        return False
