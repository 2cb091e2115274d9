"""Decode text files as people have them: UTF-8, UTF-16 with a byte-order mark, gzip; other formats are named."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from contextlib import suppress

from data.errors import UserError

__all__ = ["NOT_UTF8", "decode", "decode_text", "expand", "is_compressed", "is_utf16", "not_utf8", "refuse_other_text"]

NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""A byte that is not UTF-8, as :func:`decode_text` represents it."""

# A gzip file grows up to a thousandfold. Text rarely grows tenfold, and nobody keeps 256 MiB in one cell by mistake.
_MOST_GROWTH, _ALWAYS_ALLOWED = 100, 2**28
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF32_MARKS = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
_UNPACK = "unpack it"
_AS_CSV = "write its rows to a CSV file"
_OTHER_FORMATS = {
    b"PAR1": ("a Parquet file", _AS_CSV),
    b"ARROW1": ("an Arrow file", _AS_CSV),
    b"FEA1": ("a Feather file", _AS_CSV),
    b"SQLite format 3\0": ("an SQLite database", _AS_CSV),
    b"\x89HDF\r\n": ("an HDF5 file", _AS_CSV),
    b"\x93NUMPY": ("a NumPy file", _AS_CSV),
    b"\x80\x04\x95": ("a pickle", _AS_CSV),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an Excel workbook (.xls)", "save the sheet as CSV in UTF-8"),
    b"%PDF-": ("a PDF document", _AS_CSV),
    b"BZh": ("a bzip2 archive", _UNPACK),
    b"\xfd7zXZ\0": ("an xz archive", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("a zstd archive", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    _ZIP: ("a zip archive", _UNPACK),
    b"version https://git-lfs.github.com/spec/": ("a Git LFS pointer, not the file itself", "run git lfs pull"),
}
_SAMPLE = 4096  # bytes that show UTF-16


def decode_text(content: bytes, source: str) -> str:
    """Decode the content of a text file, without byte-order marks.

    It may be compressed with gzip, whatever its name. It is UTF-8, or UTF-16 or UTF-32 with a byte-order mark. Bytes
    that are not UTF-8 become lone surrogates, as by ``surrogateescape``; :func:`not_utf8` describes them.

    Args:
        content: the bytes of the file.
        source: its name, for error messages.

    Raises:
        UserError: if it is another format, which the message names, or a gzip file is damaged or expands to more than a
            hundred times its size and 256 MiB.
    """
    return decode(expand(content, source), source)


def expand(content: bytes, source: str) -> bytes:
    """Return the content of a gzip file, or of any other file as it is.

    Raises:
        UserError: if a gzip file is damaged, or expands to more than a hundred times its size and 256 MiB.
    """
    if not is_compressed(content):
        return content
    limit = max(_MOST_GROWTH * len(content), _ALWAYS_ALLOWED)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            expanded = file.read(limit + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise UserError(f"{source}: the gzip file is damaged or incomplete: {error}") from None
    if len(expanded) > limit:
        raise UserError(
            f"{source}: the gzip file expands to more than {_MOST_GROWTH} times its size; unpack it if it is correct"
        )
    return expanded


def is_compressed(content: bytes) -> bool:
    """Return whether the content of a file, or its beginning, is compressed with gzip."""
    return content.startswith(_GZIP)


def is_utf16(content: bytes) -> bool:
    """Return whether the content of a file, or its beginning, has the mark of UTF-16 or of UTF-32."""
    return content.startswith((*_UTF16_MARKS, *_UTF32_MARKS))


def decode(content: bytes, source: str) -> str:
    """Decode the content of a text file that is not compressed; see :func:`decode_text`.

    Raises:
        UserError: if it is another format.
    """
    if (found := _other_format(content)) is not None:
        raise UserError(f"{source}: the file is {found[0]}; {found[1]}")
    marked = {"utf-32": _UTF32_MARKS, "utf-16": _UTF16_MARKS}  # the mark of UTF-32 begins with that of UTF-16
    for encoding, marks in marked.items():
        if content.startswith(marks):
            try:
                return content.decode(encoding).lstrip("\ufeff")
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{source}: the file is not valid {encoding.upper()} at byte {error.start:,}; save it as UTF-8"
                ) from None
    if _is_unmarked_utf16(content):
        raise UserError(f"{source}: the file is UTF-16 without a byte-order mark; save it as UTF-8")
    return content.decode("utf-8", errors="surrogateescape").lstrip("\ufeff")


def refuse_other_text(text: str, source: str) -> None:
    """Refuse text that is no table of cells, such as a web page.

    Raises:
        UserError: it names the format.
    """
    if text[:1000].lstrip().casefold().startswith(("<!doctype", "<html", "<?xml")):
        raise UserError(f"{source}: the file is a web page or XML, no table; check where it was downloaded from")


def not_utf8(surrogate: str) -> str:
    """Describe a match of :data:`NOT_UTF8`, and what it is in the encoding that most other files have."""
    byte = ord(surrogate) - 0xDC00
    with suppress(UnicodeDecodeError):
        if (character := bytes([byte]).decode("cp1252")).isprintable():
            return f"byte 0x{byte:02x} is not UTF-8; in Latin-1 it is '{character}': save the file as UTF-8"
    return f"byte 0x{byte:02x} is not UTF-8"


def _other_format(content: bytes) -> tuple[str, str] | None:
    """Return the name of a format that is not text, and what to do about it."""
    if content.startswith(_ZIP) and b"[Content_Types].xml" in content:
        return "an Excel workbook (.xlsx)", "save the sheet as CSV in UTF-8"
    if content[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    if content.startswith(_GZIP):
        return "a gzip file in a gzip file", _UNPACK
    for magic, found in _OTHER_FORMATS.items():
        if content.startswith(magic):
            return found
    return None


def _is_unmarked_utf16(content: bytes) -> bool:
    """Return whether every second byte is NUL, as in European text in UTF-16."""
    sample = content[:_SAMPLE]
    halves = sample[::2], sample[1::2]
    few, many = sorted(half.count(0) / max(len(half), 1) for half in halves)
    return few < 0.1 and many > 0.5
