"""Files as people have them, each a situation for ``onebert init``."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tests.search.study.mood_study import WORDS, day

__all__ = ["SITUATIONS", "moods", "write_rows"]

Rows = list[dict[str, object]]
_RNG = np.random.default_rng


def moods(count: int = 120, seed: int = 0, names: Sequence[str] = tuple(WORDS)) -> Rows:
    """Return rows with a text and a mood; every text differs from the others in most of its words."""
    rng = _RNG(seed)
    rows: Rows = []
    for number in range(count):
        mood = list(WORDS)[rng.integers(len(names))]
        filler = " ".join(f"w{rng.integers(10**6)}" for _ in range(6))
        rows.append({"text": f"{day(rng, mood)} {filler}", "mood": names[list(WORDS).index(mood)], "number": number})
    return rows


def pairs(count: int = 120) -> Rows:
    """Return rows of two texts, as long as the day is similar."""
    one, other = moods(count), moods(count, seed=1)
    return [
        {"sentence1": a["text"], "sentence2": b["text"], "same": int(a["mood"] == b["mood"])}
        for a, b in zip(one, other, strict=True)
    ]


def write_rows(path: Path, rows: Rows, columns: Mapping[str, str], delimiter: str = ",") -> None:
    """Write some columns of rows under other names, in the format that the name of the file says."""
    picked = [{new: row[old] for old, new in columns.items()} for row in rows]
    suffix = path.name.removesuffix(".gz").rpartition(".")[2]
    if suffix == "parquet":
        pd.DataFrame(picked).to_parquet(path)
        return
    if suffix == "jsonl":
        text = "".join(f"{json.dumps(row)}\n" for row in picked)
    elif suffix == "json":
        text = json.dumps(picked)
    else:
        out = io.StringIO()
        writer = csv.DictWriter(out, list(columns.values()), delimiter="\t" if suffix == "tsv" else delimiter)
        writer.writeheader()
        writer.writerows(picked)
        text = out.getvalue()
    path.write_bytes(gzip.compress(text.encode()) if path.name.endswith(".gz") else text.encode())


USUAL = {"text": "text", "mood": "mood"}


def single(folder: Path) -> None:
    write_rows(folder / "tickets.csv", moods(), USUAL)


def of_pairs(folder: Path) -> None:
    write_rows(folder / "pairs.csv", pairs(), {"sentence1": "sentence1", "sentence2": "sentence2", "same": "same"})


def split_column(folder: Path, words: Sequence[str] = ("train", "Validation", "test")) -> None:
    rows = [{**row, "part": words[0 if i % 10 < 6 else i % len(words)]} for i, row in enumerate(moods())]
    write_rows(folder / "tickets.csv", rows, USUAL | {"part": "part"})


def several(folder: Path) -> None:
    write_rows(folder / "tickets.csv", moods(), USUAL)
    of_pairs(folder)


def split_files(folder: Path) -> None:
    for seed, name in enumerate(("train", "dev", "test")):
        columns = USUAL if name != "test" else {"text": "text"}
        write_rows(folder / f"mood-{name}.csv", moods(60, seed), columns)


def bare_split_files(folder: Path) -> None:
    for seed, name in enumerate(("train", "validation", "test")):
        write_rows(folder / f"{name}.csv", moods(60, seed), USUAL)


def in_format(name: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        write_rows(folder / name, moods(), USUAL)

    return write


def imbalanced(folder: Path) -> None:
    rows = [row | {"spam": "yes" if i % 15 == 0 else "no"} for i, row in enumerate(moods(300))]
    write_rows(folder / "mail.csv", rows, {"text": "text", "spam": "spam"})


def rare_zero(folder: Path) -> None:
    rows = [row | {"ok": int(i % 15 > 0)} for i, row in enumerate(moods(300))]
    write_rows(folder / "mail.csv", rows, {"text": "text", "ok": "label"})


def numbers(folder: Path) -> None:
    write_rows(folder / "numbers.csv", moods(names=("0", "1", "2")), {"text": "text", "mood": "label"})


def multi_line(folder: Path) -> None:
    rows = [row | {"text": f'{row["text"]}\nand more,\n"quoted"'} for row in moods()]
    write_rows(folder / "lines.csv", rows, USUAL)


def scores(values: Iterable[float | int]) -> Callable[[Path], None]:
    chosen = list(values)

    def write(folder: Path) -> None:
        rows = [row | {"rating": chosen[i * 7 % len(chosen)]} for i, row in enumerate(moods())]
        write_rows(folder / "ratings.csv", rows, {"text": "review", "rating": "rating"})

    return write


def repeated_ids(folder: Path) -> None:
    rows = [row | {"id": i % 7} for i, row in enumerate(moods())]
    write_rows(folder / "tickets.csv", rows, USUAL | {"id": "id"})


def unique_ids(folder: Path) -> None:
    write_rows(folder / "tickets.csv", moods(), USUAL | {"number": "Ticket ID"})


def groups(folder: Path) -> None:
    rows = [row | {"customer_id": f"c{i % 40}"} for i, row in enumerate(moods())]
    write_rows(folder / "tickets.csv", rows, USUAL | {"customer_id": "customer_id"})


def odd_classes(folder: Path) -> None:
    names = ("schön, warm", 'Größe "XL"', "back\\slash\x7f")
    write_rows(folder / "klassen.csv", moods(names=names), USUAL)


def odd_columns(folder: Path) -> None:
    columns = {"text": ' der "Text", \n\\x', "mood": "Kläss = 1 # [x]", "number": "none"}
    write_rows(folder / "odd.csv", moods(), columns)


def odd_names(folder: Path) -> None:
    write_rows(folder / "2024 Größe ärger!.csv", moods(), USUAL)
    write_rows(folder / "train_on.csv", moods(seed=1), USUAL)
    write_rows(folder / "sst.csv", moods(seed=2), USUAL)
    write_rows(folder / "日本.csv", moods(seed=3), USUAL)


def codes(folder: Path) -> None:
    rows = [{"ticket": f"T-{row['number']}", **row} for row in moods()]
    write_rows(folder / "tickets.csv", rows, {"ticket": "ticket"} | USUAL)


def compared(folder: Path) -> None:
    write_rows(folder / "faq.jsonl", pairs(), {"sentence1": "question", "sentence2": "faq", "same": "same"})


def mails(folder: Path) -> None:
    rows = [row | {"subject": f"About order number {place % 40}"} for place, row in enumerate(moods())]
    write_rows(folder / "mails.csv", rows, {"subject": "subject", "text": "body", "mood": "mood"})


def few_answers(folder: Path) -> None:
    rows = [row | {"sentence2": f"the answer to question {place % 5}"} for place, row in enumerate(pairs())]
    columns = {"sentence1": "question1", "sentence2": "question2", "same": "duplicate"}
    write_rows(folder / "asked.csv", rows, columns)


def answers_of_a_list(folder: Path) -> None:
    rows = [row | {"sentence2": f"how can I do thing {place % 5}"} for place, row in enumerate(pairs())]
    columns = {"sentence1": "user_question", "sentence2": "faq_entry", "same": "is_match"}
    write_rows(folder / "asked.jsonl", rows, columns)


def foreign_names(folder: Path) -> None:
    rows = [row | {"customer": f"K{place % 40}"} for place, row in enumerate(moods())]
    columns = {"number": "Ticket-Nr", "customer": "Kunde", "text": "Text", "mood": "Thema"}
    write_rows(folder / "support.csv", rows, columns)


def twins(folder: Path) -> None:
    numbers_of = {name: number for number, name in enumerate(WORDS)}
    rows = [row | {"label": numbers_of[str(row["mood"])]} for row in moods()]
    write_rows(folder / "setfit.jsonl", rows, {"text": "text", "label": "label", "mood": "label_text"})


def plain_quotes(folder: Path) -> None:
    rows = moods()
    lines = [
        f'"{row["text"]}\t{row["mood"]}' if i % 9 == 0 else f"{row['text']}\t{row['mood']}"
        for i, row in enumerate(rows)
    ]
    (folder / "plain.tsv").write_text("text\tmood\n" + "\n".join(lines) + "\n")


def chinese(folder: Path) -> None:
    rng = _RNG(0)
    rows: Rows = []
    for number in range(120):
        text = "".join(chr(0x4E00 + int(rng.integers(2000))) for _ in range(20))
        rows.append({"text": text, "mood": "好" if number % 2 else "坏"})
    write_rows(folder / "chinese.csv", rows, {"text": "内容", "mood": "标签"})


SITUATIONS: dict[str, Callable[[Path], None]] = {
    "single sentences": single,
    "pairs": of_pairs,
    "a split column": split_column,
    "a split column without test": lambda folder: split_column(folder, ("train", "dev")),
    "several files": several,
    "files of the splits, test without labels": split_files,
    "train.csv, validation.csv, test.csv": bare_split_files,
    "TSV": in_format("tickets.tsv"),
    "JSON lines": in_format("tickets.jsonl"),
    "JSON": in_format("tickets.json"),
    "Parquet": in_format("tickets.parquet"),
    "gzip": in_format("tickets.csv.gz"),
    "a rare class": imbalanced,
    "a rare class of 0 and 1": rare_zero,
    "classes that are numbers": numbers,
    "texts over several lines": multi_line,
    "whole scores from 1 to 10": scores(range(1, 11)),
    "scores with fractions": scores(np.round(np.linspace(1, 10, 60), 2)),
    "ids that repeat": repeated_ids,
    "an id column": unique_ids,
    "a group column": groups,
    "class names with commas, quotes and umlauts": odd_classes,
    "odd names of columns": odd_columns,
    "odd names of files": odd_names,
    "a first column of codes": codes,
    "two texts that the label compares": compared,
    "a pair with one text that repeats": few_answers,
    "a question and an entry of a list": answers_of_a_list,
    "names in another language": foreign_names,
    "a body with a subject that repeats": mails,
    "classes by number and by name": twins,
    "quotes that are plain text": plain_quotes,
    "texts without spaces": chinese,
}
"""What writes the files of each situation into an empty folder."""
