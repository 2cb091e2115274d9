from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest

from data.errors import UserError
from data.tables import text_files
from data.tables.text_files import decode_text, refuse_other_text

TEXT = "id\ttext\n1\tnaïve 日本\n"


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, TEXT)
    return content.getvalue()


def tarred() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("train.csv"))
    return content.getvalue()


def array() -> bytes:
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    return content.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(UserError) as caught:
        refuse_other_text(decode_text(content, "f.csv"), "f.csv")
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix("f.csv: the file is ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("compressed", [False, True])
def test_what_is_read(encoding: str, compressed: bool) -> None:
    content = TEXT.encode(encoding)
    assert decode_text(gzip.compress(content) if compressed else content, "f.csv") == TEXT


def test_two_byte_order_marks_and_two_gzip_members() -> None:
    assert decode_text(b"\xef\xbb\xbf\xef\xbb\xbf" + TEXT.encode(), "f.csv") == TEXT
    assert decode_text(gzip.compress(b"a\n") + gzip.compress(b"b\n"), "f.csv") == "a\nb\n"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (zipped("train.csv"), "a zip archive; unpack it"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook (.xlsx); save the sheet as CSV in UTF-8"),
        (b"PAR1\x15\x04", "a Parquet file; write its rows to a CSV file"),
        (array(), "a NumPy file; write its rows to a CSV file"),
        (b"SQLite format 3\0\x10\0", "an SQLite database; write its rows"),
        (bz2.compress(b"a"), "a bzip2 archive; unpack it"),
        (lzma.compress(b"a"), "an xz archive; unpack it"),
        (tarred(), "a tar archive; unpack it"),
        (gzip.compress(tarred()), "a tar archive; unpack it"),
        (gzip.compress(gzip.compress(b"a")), "a gzip file in a gzip file; unpack it"),
        (TEXT.encode("utf-16-le"), "UTF-16 without a byte-order mark; save it as UTF-8"),
        ((TEXT + "a" * 9000).encode("utf-16-be"), "UTF-16 without a byte-order mark; save it as UTF-8"),
        (b"\xff\xfea", "not valid UTF-16 at byte 2; save it as UTF-8"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer, not the file itself; run"),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "a web page or XML, no table; check where it was"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",  # packed files contain the time
)
def test_other_formats_are_named(content: bytes, named: str) -> None:
    assert refusal(content).startswith(named)


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:20] + b"\xff\xff" + b[22:], lambda b: b[:2]])
def test_a_damaged_gzip_file(damage: object) -> None:
    assert callable(damage)
    with pytest.raises(UserError, match=r"^f.csv: the gzip file is damaged or incomplete: [^\n]+$"):
        decode_text(damage(gzip.compress(TEXT.encode() * 9)), "f.csv")


def test_a_gzip_file_that_grows_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "_ALWAYS_ALLOWED", 1000)
    usual = gzip.compress(TEXT.encode())
    assert decode_text(usual, "f.csv") == TEXT
    with pytest.raises(UserError, match=r"f.csv: the gzip file expands to more than 100 times its size; unpack it if"):
        decode_text(gzip.compress(b"a" * 10**6), "f.csv")


def test_bytes_that_are_not_utf8_stay_in_their_place() -> None:
    assert decode_text(b"caf\xe9\n", "f.csv") == "caf\udce9\n"
