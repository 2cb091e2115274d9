"""Change texts, files and command lines as people, editors and disks do, and worse."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal, get_args, get_origin

__all__ = ["mutated_bytes", "mutated_line", "mutated_study", "mutated_table", "values_of"]

VALUES = (
    "0", "-1", "1", "3", "0.5", "1e400", "-0.0", "1e-400", "nan", "inf", "99999999999999999999999999", "0x10", "true",
    '""', '"x"', '"auto"', '"scratch"', '"../.."', '"\\u0000"', '"\\u001b[31m"', '"[/] :smile: \\n"', "'''\na\n'''",
    "[]", "[[]]", "[1, 'a']", "[0, 0]", "[nan]", "{}", '{ name = "tpe" }', "{ low = 1, high = 0 }", "{ a.b.c = 1 }",
    "{ low = 1e-5, high = 1e-3, log = true, when = {} }", "{ simplex = true }", "1979-05-27", "07:32:00",
    "1979-05-27T07:32:00Z", "[" * 60 + "]" * 60, "[" * 3000, '".:x"', '"os:getcwd"', '"json.decoder:JSONDecoder"',
    '"' + "y" * 3000 + '"', "9" * 5000, '["sst", "para"]', '["neg"]', '["a", "a"]', '"accuracy"', '"mood-dev.csv"',
)  # fmt: skip
"""Right sides of a TOML assignment."""

LINES = (
    "[space]", "[base]", "[variants.a]", "[stop]", "[floors]", "[endpoint]", "[first.x]", "[[tasks]]", "[tasks.mood]",
    "[base.heads.mood]", "[base.pretraining.mlm]", "[override]", "seeds = [0, 1]", "seeds = []", "preset = 'tapered'",
    "synthetic = { train = 8, dev = 8, test = 8 }", "workers = 3", "sampler = 'grid'", "pruner = 'hyperband'", "=",
    '"optim.learning_rate" = { linked = "seed" }', '"seed" = [0, 1]', '"loss.weights" = { simplex = true }', "a.b = 1",
    "mood = 0.9", "hours = 0", "gain = 0", "base_url = 'http://127.0.0.1:1/v1'", "rungs = [1]", "device = 'tpu'",
    '"heads.mood.dropout_hidden" = [0.0, 1.0]', "encoder = 'nowhere'", "keep_models = 0", "classes = []", "\ufeff",
)  # fmt: skip
"""Lines of study files."""

CELLS = ('"', '""', '"a', "", " ", "neg", "pos", "NEG", "1", "nan", "=1+1", "a,b", "\t", "\ufeff", "[/]", "\u2028",
         "\x0b", "\x00", "x" * 9000, "🙂" * 50,
         "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"))  # fmt: skip

MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"PK\x03\x04", b"\x1f\x8b")
"""How files of other formats begin."""

WORDS = (
    "", ".", "..", "-", "--", "nowhere", "micro", "micro.toml", "data", "data/mood-dev.csv", "runs", "runs/studies.db",
    "0", "1", "2", "-1", "7", "1000", "99999999", "1.5",
    "nan", "inf", "1e999", "9" * 30, "x" * 300, "a\nb", "a[old]b", "\udcff", "[/]",
    "mood", "sst", "micro:0", "micro:1", "micro:9", ":", "0,1", "1,,0", "mood=0", "mood=", "=", "cpu", "tpu", "sqlite:///x.db",
    "sqlite://", "sqlite:///:memory:", "postgresql://127.0.0.1:1/x", "mysql://u:p@127.0.0.1:1/x",
    "data/x.log", "http://127.0.0.1:1/v1", "http://[", "uniform", "greedy", "all", "--help", "--json", "--quiet",
    "--dry-run",
)  # fmt: skip
"""Words of command lines."""


def mutated_study(text: str, rng: Random) -> str:
    """Return a study file with one to four changes."""
    lines = text.splitlines()
    for _ in range(rng.randint(1, 4)):
        here = rng.randrange(len(lines)) if lines else 0
        match rng.randrange(8):
            case 0:
                del lines[here : here + rng.choice((1, 1, 3))]
            case 1:
                lines.insert(here, rng.choice(lines or [""]))
            case 2:
                lines.insert(here, rng.choice(LINES))
            case 3 | 4 | 5:
                found = [index for index, line in enumerate(lines) if "=" in line]
                if found:
                    index = rng.choice(found)
                    lines[index] = f"{lines[index].partition('=')[0]}= {rng.choice(VALUES)}"
            case 6:
                lines[here : here + 1] = [_with_odd_character(line, rng) for line in lines[here : here + 1]]
            case 7:
                lines.insert(here, f"{rng.choice(lines or ['x']).partition('=')[0].strip()} = {rng.choice(VALUES)}")
    return "\n".join(lines) + "\n"


def _with_odd_character(line: str, rng: Random) -> str:
    position = rng.randint(0, len(line))
    return line[:position] + rng.choice("\"'[]{}=.#\\\x00\t é\u202e🙂") + line[position + rng.randint(0, 2) :]


def mutated_table(content: bytes, rng: Random) -> bytes:
    """Return a data file with one to three changes."""
    for _ in range(rng.randint(1, 3)):
        lines = content.split(b"\n")
        here = rng.randrange(len(lines))
        match rng.randrange(12):
            case 0:
                del lines[here]
            case 1:
                lines.insert(here, rng.choice(lines))
            case 2 | 3 | 4:
                cells = lines[here].split(b",")
                cells[rng.randrange(len(cells))] = rng.choice(CELLS).encode()
                lines[here] = b",".join(cells)
            case 5:
                lines[here] += rng.choice((b",", b",,", b"\t", b"\r", b'"', b" "))
            case 6:
                lines = [line.replace(b",", rng.choice((b"\t", b";", b"|"))) for line in lines]
            case 7:
                lines = [line + b"\r" for line in lines]
            case 8:
                lines = lines[: rng.choice((0, 1, 2))]
            case 9:
                lines[0] = rng.choice(MARKS) + lines[0]
            case 10:
                packed = (gzip.compress(content), content.decode("utf-8", "replace").encode("utf-16"))
                lines = rng.choice(packed).split(b"\n")
            case 11:
                return mutated_bytes(content, rng)
        content = b"\n".join(lines)
    return content


def mutated_bytes(content: bytes, rng: Random) -> bytes:
    """Return a file as a faulty disk or a stopped copy leaves it."""
    position = rng.randrange(len(content)) if content else 0
    match rng.randrange(5):
        case 0:
            return content[:position]
        case 1:
            return b""
        case 2:
            return content[:position] + bytes(rng.randint(1, 64)) + content[position + rng.randint(0, 64) :]
        case 3:
            flipped = bytearray(content)
            for _ in range(min(len(content), rng.randint(1, 20))):
                flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            return bytes(flipped)
        case _:
            return bytes(rng.randrange(256) for _ in range(rng.randint(1, 200)))


def mutated_line(words: Sequence[str], options: Mapping[str, Sequence[str]], rng: Random) -> list[str]:
    """Return a command and its arguments with one to three changes.

    Args:
        words: the command, then arguments.
        options: values of a right type for each option of the command; none for a flag.
    """
    words = list(words)
    for _ in range(rng.randint(1, 3)):
        here = rng.randrange(len(words) + 1)
        match rng.randrange(12):
            case 0:
                del words[here : here + 1]
            case 1:
                words[here : here + rng.randint(0, 1)] = [rng.choice(WORDS)]
            case 2 | 3:
                values = [index for index, word in enumerate(words) if index and not word.startswith("--")]
                if values:
                    words[rng.choice(values)] = rng.choice(WORDS)
            case 4 | 5 | 6 | 7:
                given = [index for index, word in enumerate(words[:-1]) if options.get(word)]
                if given:
                    index = rng.choice(given)
                    words[index + 1] = rng.choice(options[words[index]])
            case _:
                name = rng.choice(list(options))
                words += [name, rng.choice(options[name])] if options[name] else [name]
    return words


def values_of(annotation: object) -> Sequence[str]:
    """Return values for an option of this type; none for a flag."""
    if annotation is bool:
        return ()
    if annotation is int:
        return ("0", "1", "2", "3", "-1", "7", "9", "99999999", "9" * 30)
    if annotation is float:
        return ("0", "0.5", "-1", "nan", "inf", "1e-9", "1e999", "3")
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return WORDS
