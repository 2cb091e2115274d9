from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from data.errors import UserError
from data.reading import RawSplit, check_header, column_names, parse_split, read_split
from data.task_files import builtin_tasks
from data.tasks import SplitName, TaskSpec

SST, PARA, STS = (builtin_tasks()[name] for name in ("sst", "para", "sts"))
HEADER = "\tid\tsentence1\tsentence2\tis_duplicate\n"


def para_row(number: int, label: str = "1.0") -> str:
    return f"{number}\tid{number}\tfirst {number}\tsecond {number}\t{label}\n"


def read_para(folder: Path, text: str, split: SplitName = "train") -> RawSplit:
    (folder / getattr(PARA.files, split)).write_text(text, encoding="utf-8", newline="")
    return read_split(PARA, folder, split)


def refused(folder: Path, text: str, split: SplitName = "train") -> str:
    with pytest.raises(UserError) as error:
        read_para(folder, text, split)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(str(folder / getattr(PARA.files, split)))
    return message.removeprefix(str(folder / getattr(PARA.files, split)))


def test_a_pair_file(tmp_path: Path) -> None:
    raw = read_para(tmp_path, HEADER + para_row(0) + para_row(1, "0.0"))
    assert raw.ids == ["id0", "id1"]
    assert raw.sentences == [("first 0", "second 0"), ("first 1", "second 1")]
    assert raw.labels is not None
    np.testing.assert_array_equal(raw.labels, [1, 0])
    assert raw.skipped == []
    assert len(raw) == 2


def test_columns_are_found_by_name_in_any_order(tmp_path: Path) -> None:
    raw = read_para(tmp_path, 'sentence2,is_duplicate,other,id,sentence1\n"b, c",duplicate,x,7,a\n')
    assert (raw.ids, raw.sentences) == (["7"], [("a", "b, c")])


def test_without_an_id_column_rows_are_numbered(tmp_path: Path) -> None:
    spec = SST.model_copy(update={"columns": SST.columns.model_copy(update={"id": None})})
    rows = "".join(f"good {number}\t3\n" for number in range(1000))
    (tmp_path / "ids-sst-dev.csv").write_text("sentence\tsentiment\n \t1\n" + rows)
    raw = read_split(spec, tmp_path, "dev")
    assert raw.skipped == ["ids-sst-dev.csv:2: sentence is empty"]
    assert raw.ids[:2] == ["1", "2"]  # as in the file: a row left out changes no number


class TestIdColumn:
    """Left out, it is the column ``id`` where a file has one, whatever the other splits have."""

    def test_the_default_one_may_be_missing(self, tmp_path: Path) -> None:
        (tmp_path / SST.files.train).write_text("id\tsentence\tsentiment\nx\tgood\t3\n")
        (tmp_path / SST.files.dev).write_text("sentence\tsentiment\n\t\ngood\t3\nbad\t1\n")
        assert read_split(SST, tmp_path, "train").ids == ["x"]
        assert read_split(SST, tmp_path, "dev").ids == ["1", "2"]

    def test_unless_the_reader_insists(self, tmp_path: Path) -> None:
        path = tmp_path / SST.files.dev
        path.write_text("ID\tsentence\tsentiment\n7\tgood\t3\n")
        assert parse_split(SST, "dev", path.read_bytes(), path).ids == ["0"]
        for check in (
            lambda: parse_split(SST, "dev", path.read_bytes(), path, needs_id=True),
            lambda: check_header(SST, "dev", path, needs_id=True),
        ):
            with pytest.raises(UserError, match=r"no column 'id'; the header has 'ID', .* did you mean 'ID'"):
                check()

    def test_another_one_may_not(self, tmp_path: Path) -> None:
        spec = SST.model_copy(update={"columns": SST.columns.model_copy(update={"id": "number"})})
        (tmp_path / SST.files.dev).write_text("id\tsentence\tsentiment\n7\tgood\t3\n")
        with pytest.raises(UserError, match="no column 'number'"):
            read_split(spec, tmp_path, "dev")


class TestTestSplit:
    def test_labels_are_kept_where_all_are_there(self, tmp_path: Path) -> None:
        raw = read_para(tmp_path, HEADER + para_row(0) + para_row(1, "0"), "test")
        assert raw.labels is not None
        np.testing.assert_array_equal(raw.labels, [1, 0])

    @pytest.mark.parametrize("label", ["", "-1"])
    def test_no_labels_where_one_is_missing(self, tmp_path: Path, label: str) -> None:
        raw = read_para(tmp_path, HEADER + para_row(0) + para_row(1, label), "test")
        assert raw.labels is None
        assert len(raw) == 2

    def test_two_index_columns_and_no_label_column(self, tmp_path: Path) -> None:
        (tmp_path / "ids-sst-test-student.csv").write_text("0\t\tid\tsentence\n1\t0.0\tx\t a \n2\t1.0\ty\tb\n")
        raw = read_split(SST, tmp_path, "test")
        assert (raw.ids, raw.sentences, raw.labels) == (["x", "y"], [(" a ",), ("b",)], None)


class TestMalformedRows:
    @pytest.mark.parametrize(
        ("row", "why"),
        [
            ("9\tx\ta\tb\t\n", "no label"),
            ("9\tx\ta\tb\t2\n", "label must be one of 'not duplicate', 'duplicate' or their numbers 0 to 1, got '2'"),
            ("9\tx\ta\tb\n", "4 cells, but the header has 5"),
            ("9\tx\ta\tb\t1\t1\n", "6 cells, but the header has 5"),
            ("9\tx\t \tb\t1\n", "sentence1 is empty"),
            ("9\tx\ta\t\t1\n", "sentence2 is empty"),
            ("9\t \ta\tb\t1\n", "id is empty"),
            ("9\tx\ta\0\tb\t1\n", "contains a NUL byte"),
        ],
    )
    def test_one_in_a_thousand_is_skipped_and_named(self, tmp_path: Path, row: str, why: str) -> None:
        good = "".join(para_row(number) for number in range(999))
        raw = read_para(tmp_path, HEADER + row + good)
        assert raw.skipped == [f"quora-train.csv:2: {why}"]
        assert len(raw) == 999
        assert raw.ids[0] == "id0"

    def test_more_are_an_error(self, tmp_path: Path) -> None:
        good = "".join(para_row(number) for number in range(998))
        assert refused(tmp_path, HEADER + good + para_row(998, "x")) == (
            ": 1 of 999 rows are malformed, but at most 0.1 % may be skipped; fix them: quora-train.csv:1000: "
            "label must be one of 'not duplicate', 'duplicate' or their numbers 0 to 1, got 'x'"
        )

    def test_the_first_are_quoted_and_the_rest_counted(self, tmp_path: Path) -> None:
        message = refused(tmp_path, HEADER + "".join(para_row(number, "") for number in range(1234)))
        assert message.startswith(": 1,234 of 1,234 rows are malformed")
        assert message.endswith(
            "quora-train.csv:2: no label; quora-train.csv:3: no label; quora-train.csv:4: no label; and 1,231 more"
        )

    def test_lines_swallowed_by_an_open_quote_count_each(self, tmp_path: Path) -> None:
        rows = [para_row(number) for number in range(5000)]
        rows[4000] = '4000\tid4000\t"a\tb\t1\n'
        assert refused(tmp_path, HEADER + "".join(rows)).startswith(
            ": 1,000 of 5,000 rows are malformed, but at most 0.1 % may be skipped; fix them: "
            "quora-train.csv:4002: unclosed quote"
        )

    @pytest.mark.parametrize("score", ["nan", "inf", "-0.5", "5.5"])
    def test_scores(self, tmp_path: Path, score: str) -> None:
        (tmp_path / "sts-dev.csv").write_text(f"id\tsentence1\tsentence2\tsimilarity\n1\ta\tb\t{score}\n")
        with pytest.raises(UserError, match=f"sts-dev.csv:2: .*{re.escape(score)}"):
            read_split(STS, tmp_path, "dev")

    def test_bytes_that_are_not_text(self, tmp_path: Path) -> None:
        (tmp_path / "quora-train.csv").write_bytes((HEADER + para_row(0)).encode() + b"1\tx\t\xff\tb\t1\n")
        with pytest.raises(UserError, match=r"quora-train.csv:3: byte 0xff is not UTF-8"):
            read_split(PARA, tmp_path, "train")


class TestWholeFiles:
    def test_no_rows(self, tmp_path: Path) -> None:
        assert refused(tmp_path, HEADER + "\n") == ": no rows below the header"

    def test_empty(self, tmp_path: Path) -> None:
        assert refused(tmp_path, "") == ": the file is empty"

    def test_ids_that_occur_twice(self, tmp_path: Path) -> None:
        rows = [*range(6), 2, 0, 1, 3, 3]
        assert refused(tmp_path, HEADER + "".join(para_row(number) for number in rows)) == (
            ": ids must be unique, but 'id2' is in lines 4 and 8, 'id0' is in lines 2 and 9, "
            "'id1' is in lines 3 and 10, and 2 more"
        )

    def test_a_missing_column(self, tmp_path: Path) -> None:
        assert refused(tmp_path, HEADER.replace("is_duplicate", "Is_Duplicate ") + para_row(0)) == (
            ": no column 'is_duplicate'; the header has 'id', 'sentence1', 'sentence2', 'Is_Duplicate '; "
            "did you mean 'Is_Duplicate '? Use the name in the header"
        )

    def test_cells_of_several_lines_are_quoted_in_one(self, tmp_path: Path) -> None:
        header = HEADER.replace("is_duplicate", '"is\u2028\nso"')
        assert r"the header has 'id', 'sentence1', 'sentence2', 'is\u2028\nso'" in refused(
            tmp_path, header + para_row(0)
        )
        row = '0\t"a\nb"\tx\ty\t1\n'
        assert refused(tmp_path, HEADER + row + row) == r": ids must be unique, but 'a\nb' is in lines 2 and 4"
        long = "long " * 1000
        assert refused(tmp_path, f"{HEADER}0\tx\ta\tb\t{long}\n").endswith(f"got '{long[:60]}'")

    def test_a_column_that_occurs_twice(self, tmp_path: Path) -> None:
        text = HEADER.replace("sentence2", "sentence1") + para_row(0)
        assert refused(tmp_path, text) == ": column 'sentence1' occurs 2 times in the header"

    @pytest.mark.parametrize("split", ["train", "dev"])
    def test_no_label_column(self, tmp_path: Path, split: SplitName) -> None:
        text = "\tid\tsentence1\tsentence2\n0\tx\ta\tb\n"
        assert refused(tmp_path, text, split).startswith(": no column 'is_duplicate'; the header has 'id', ")


COUNTS = {
    "sst": (8544, 1101, 2210),
    "para": (27658 - 2, 2021, 4042),
    "sts": (6040, 863, 1725),
    "cfimdb": (1707, 245, 488),
}


@pytest.mark.parametrize("spec", builtin_tasks().values(), ids=lambda spec: spec.name)
def test_the_course_files(course_data: Path, spec: TaskSpec) -> None:
    train, dev, test = (read_split(spec, course_data, split) for split in ("train", "dev", "test"))
    assert (len(train), len(dev), len(test)) == COUNTS[spec.name]
    assert train.labels is not None
    assert dev.labels is not None
    assert test.labels is None
    assert dev.skipped == test.skipped == []
    malformed = ["quora-train.csv:27658: no label", "quora-train.csv:27659: sentence2 is empty"]
    assert train.skipped == (malformed if spec.name == "para" else [])


def test_known_rows_of_the_course_files(course_data: Path) -> None:
    sst, para, sts = (read_split(spec, course_data, "dev") for spec in (SST, PARA, STS))
    assert sst.labels is not None
    assert para.labels is not None
    assert sts.labels is not None
    np.testing.assert_array_equal(np.bincount(np.asarray(sst.labels, dtype=int)), [139, 289, 229, 279, 165])
    np.testing.assert_array_equal(np.bincount(np.asarray(para.labels, dtype=int)), [1295, 726])
    assert sts.ids[1] == "e8336dc096adaf2de4e8e9425"
    assert sts.sentences[1][0] == "Two black dogs are playing on the grass."
    assert sts.labels[1] == np.float32(4.6)


def test_the_course_files_as_pandas_reads_them(course_data: Path) -> None:
    import pandas as pd

    for spec in builtin_tasks().values():
        frame = pd.read_csv(course_data / spec.files.train, sep="\t", keep_default_na=False, dtype=str)
        raw = read_split(spec, course_data, "train")
        kept = frame.iloc[: len(raw)]  # the two malformed rows are the last
        assert raw.ids == kept["id"].tolist()
        assert raw.sentences == list(kept[list(spec.columns.sentences)].itertuples(index=False, name=None))
        np.testing.assert_allclose(np.asarray(raw.labels), kept[spec.columns.label].astype(float), rtol=1e-6)


def test_another_release_with_its_own_columns_and_line_ends(course_data: Path) -> None:
    """SICK: CRLF, other names, a score of 1 to 5."""
    columns = STS.columns.model_copy(
        update={"id": "pair_ID", "sentences": ("sentence_A", "sentence_B"), "label": "relatedness_score"}
    )
    files = STS.files.model_copy(update={"train": "sick2014.csv"})
    spec = STS.model_copy(update={"columns": columns, "files": files, "score_range": (1.0, 5.0)})
    raw = read_split(spec, course_data, "train")
    assert len(raw) == 9840
    assert raw.sentences[-1] == ("Three dogs are resting on a sidewalk", "The woman with a knife is slicing a pepper")
    assert raw.labels is not None
    assert raw.labels[-1] == 1


@pytest.fixture
def raw(tmp_path: Path) -> RawSplit:
    """Two pairs with their scores, parsed from a file that need not exist."""
    return RawSplit(
        path=tmp_path / "train.csv",
        ids=["a", "b"],
        sentences=[("one", "two"), ("three", "four")],
        labels=np.array([0.5, 3.0], dtype=np.float32),
        skipped=[],
    )


def test_the_digest_of_rows_is_that_of_ids_sentences_and_labels(raw: RawSplit) -> None:
    """Recomputed by hand: studies have stored it."""
    parts = (b"a\0b", b"one\0two\0three\0four", struct.pack("<ff", 0.5, 3.0))
    expected = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
    assert raw.digest == expected


def test_every_value_and_its_place_counts_and_the_file_does_not(raw: RawSplit) -> None:
    labels = np.array([0.5, 3.0], dtype=np.float32)
    others = [
        replace(raw, ids=["b", "a"]),
        replace(raw, sentences=[("three", "four"), ("one", "two")]),
        replace(raw, labels=labels[::-1].copy()),
        replace(raw, labels=None),
    ]
    assert len({one.digest for one in (raw, *others)}) == 5
    assert replace(raw, path=Path("elsewhere"), skipped=["a row"]).digest == raw.digest
    assert replace(raw, labels=labels.astype(">f4")).digest == raw.digest  # another machine's byte order


class TestOtherColumns:
    def test_cells_belong_to_the_rows_that_are_kept(self, tmp_path: Path) -> None:
        """Rows left out, records of empty cells and empty lines shift no cell; there is no id to go by."""
        spec = SST.model_copy(update={"columns": SST.columns.model_copy(update={"id": None})})
        rows = [f"good {number}\t3\ts{number}" for number in range(1100)]
        rows[5:5] = [" \t1\tblank"]
        rows[9:9] = ["bad\t9\tmalformed"]
        rows[12:12] = ["\t\t", ""]
        (tmp_path / "ids-sst-dev.csv").write_text("sentence\tsentiment\tsource\n" + "\n".join(rows) + "\n")
        raw = read_split(spec, tmp_path, "dev", ["source", "nowhere"])
        assert len(raw.skipped) == 2
        assert list(raw.other_columns) == ["source"]
        assert raw.other_columns["source"] == [f"s{sentence.split()[1]}" for (sentence,) in raw.sentences]
        part = raw.subset(np.array([7, 1000]))
        assert part.other_columns["source"] == ["s7", "s1000"]
        assert raw.subset(np.array([0])).subset(np.array([0])).other_columns == {"source": ["s0"]}
        assert read_split(spec, tmp_path, "dev").other_columns == {}

    def test_a_column_of_the_task_is_one_too_and_may_span_lines(self, tmp_path: Path) -> None:
        text = 'id,sentence1,sentence2,is_duplicate,where\n1,a,b,1.0,"x\ny"\n2,c,d,no,\n'
        (tmp_path / PARA.files.dev).write_text(text.replace("no", "0"))
        raw = read_split(PARA, tmp_path, "dev", ["where", "is_duplicate"])
        assert raw.other_columns == {"where": ["x\ny", ""], "is_duplicate": ["1.0", "0"]}
        assert column_names(PARA, tmp_path, "dev") == ["id", "sentence1", "sentence2", "is_duplicate", "where"]

    def test_a_column_that_occurs_twice_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / SST.files.dev).write_text("id\tsentence\tsentiment\tsource\tsource\n1\ta\t3\tx\ty\n")
        assert len(read_split(SST, tmp_path, "dev")) == 1
        with pytest.raises(UserError, match="column 'source' occurs 2 times in the header"):
            read_split(SST, tmp_path, "dev", ["source"])


def shared(rule: dict[str, object], **files: str) -> TaskSpec:
    return TaskSpec.model_validate(
        {
            "name": "mood",
            "kind": "classify",
            "files": {"train": "all.csv", **files},
            "columns": {"sentences": ["text"], "label": "mood"},
            "classes": ["sad", "happy"],
            "metric": "accuracy",
            "split": rule,
        }
    )


def write_all(folder: Path, count: int = 100, columns: str = "customer") -> None:
    cells = {"customer": lambda n: f"c{n // 4}", "part": lambda n: ("train", "Val", "TEST")[n % 3]}
    rows = [f"unlike{n} text{n} own{n},{('sad', 'happy')[n % 2]},{cells[columns](n)}\n" for n in range(count)]
    (folder / "all.csv").write_text(f"text,mood,{columns}\n" + "".join(rows))


def test_dev_and_test_are_taken_out_of_train(tmp_path: Path) -> None:
    write_all(tmp_path)
    spec = shared({"dev": 0.2, "test": 0.1, "group": "customer"})
    parts = {split: read_split(spec, tmp_path, split) for split in ("train", "dev", "test")}
    assert [len(raw) for raw in parts.values()] == [72, 20, 8]  # whole groups of four
    assert sorted(int(i) for raw in parts.values() for i in raw.ids) == list(range(100))
    customers = [{int(i) // 4 for i in raw.ids} for raw in parts.values()]
    assert not customers[0] & customers[1]
    assert not customers[1] & customers[2]
    assert not customers[0] & customers[2]
    assert all(raw.labels is not None and raw.other_columns == {} for raw in parts.values())
    with_group = read_split(spec, tmp_path, "dev", ["customer"])
    assert with_group.other_columns["customer"] == [f"c{int(i) // 4}" for i in with_group.ids]
    assert read_split(spec, tmp_path, "dev").digest == parts["dev"].digest


def test_without_a_dev_file_a_tenth_is_taken(tmp_path: Path) -> None:
    write_all(tmp_path)
    fields = shared({}).model_dump(exclude={"split"})
    del fields["files"]["dev"]
    spec = TaskSpec.model_validate(fields)
    assert spec == shared({}) == TaskSpec.model_validate_json(spec.model_dump_json())
    assert spec.taken == ("dev",)
    assert [len(read_split(spec, tmp_path, split)) for split in ("train", "dev")] == [90, 10]


def test_a_column_names_the_splits(tmp_path: Path) -> None:
    write_all(tmp_path, columns="part")
    spec = shared({"column": "part"})
    assert [read_split(spec, tmp_path, split).ids[:2] for split in ("train", "dev", "test")] == [
        ["0", "3"],
        ["1", "4"],
        ["2", "5"],
    ]
    without = shared({"column": "part", "test": 0})
    assert without.taken == ("dev",)
    assert without == TaskSpec.model_validate_json(without.model_dump_json())
    (tmp_path / "all.csv").write_text("text,mood,part\na b,sad,train\nc d,happy,later\n")
    with pytest.raises(
        UserError, match=r"all\.csv:3: column 'part' must name a split \(train, dev or test\), got 'later'"
    ):
        read_split(spec, tmp_path, "dev")
    (tmp_path / "all.csv").write_text("text,mood,part\na b,sad,train\nc d,happy,dev\n")
    with pytest.raises(UserError, match=r"column 'part' has no row of test; set split\.test = 0 if there is no test"):
        read_split(spec, tmp_path, "test")


def test_only_test_rows_of_a_column_may_lack_a_label(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("text,mood,part\na b,sad,train\nc d,happy,dev\ne f,,test\n")
    raw = read_split(shared({"column": "part"}), tmp_path, "test")
    assert (raw.ids, raw.labels) == (["2"], None)


def test_what_is_said_of_a_shared_file_is_said_once(tmp_path: Path) -> None:
    write_all(tmp_path, 2000)
    with (tmp_path / "all.csv").open("a") as file:
        file.write("no label,angry,c1\n")
    parts = [read_split(shared({"test": 0.1}), tmp_path, split).skipped for split in ("train", "dev", "test")]
    assert [len(skipped) for skipped in parts] == [1, 0, 0]


@pytest.mark.parametrize(
    ("rule", "files", "message"),
    [
        ({"dev": 0.5, "test": 0.5}, {}, "leaves none to train on"),
        ({"dev": 0.1}, {"dev": "dev.csv"}, r"split\.dev and files\.dev are both given"),
        ({}, {"dev": "dev.csv"}, "split has nothing to do"),
        ({"column": "part", "dev": 0.1}, {}, "column names the split of every row"),
        ({"dev": 1.5}, {}, "less than 1"),
    ],
)
def test_rules_that_make_no_sense(rule: dict[str, object], files: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        shared(rule, **files)


def test_shares_too_small_for_a_row(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("text,mood\n" + "same text,sad\n" * 3)
    with pytest.raises(UserError, match=r"dev gets none of 3 rows, whose near-duplicates and groups stay together"):
        read_split(shared({}), tmp_path, "train")


def test_a_missing_group_column_is_named_by_a_look_at_the_header(tmp_path: Path) -> None:
    write_all(tmp_path)
    spec = shared({"group": "costumer"})
    for look in (lambda: check_header(spec, "train", tmp_path / "all.csv"), lambda: read_split(spec, tmp_path, "dev")):
        with pytest.raises(UserError, match=r"no column 'costumer'.*did you mean 'customer'"):
            look()


def test_every_example_has_its_line(tmp_path: Path) -> None:
    """A row over two lines counts for the line that it begins on; subsets keep the lines of their examples."""
    text = HEADER + para_row(1) + para_row(2).replace("first 2", '"first\n2"') + "\n" + para_row(3)
    raw = read_para(tmp_path, text)
    assert list(raw.lines) == [2, 3, 6]
    assert list(raw.subset(np.array([2, 0])).lines) == [6, 2]


def folds_spec(**rule: object) -> TaskSpec:
    return TaskSpec.model_validate(
        {
            "name": "mood",
            "kind": "classify",
            "classes": ["a", "b"],
            "metric": "accuracy",
            "files": {"train": "rows.csv"},
            "columns": {"sentences": ["text"], "label": "label"},
            "split": rule,
        }
    )


def write_groups(folder: Path) -> None:
    rows = [f"r{n},one{n} two{n} three{n},{'ab'[n % 2]},customer {n // 2}" for n in range(30)]
    (folder / "rows.csv").write_text("\n".join(["id,text,label,customer", *rows]) + "\n")


def test_in_folds_train_and_dev_are_all_rows_that_are_not_test(tmp_path: Path) -> None:
    write_groups(tmp_path)
    spec = folds_spec(folds=3, test=0.2, group="customer")
    train, dev, test = (read_split(spec, tmp_path, split) for split in ("train", "dev", "test"))
    assert train.ids == dev.ids
    assert sorted([*dev.ids, *test.ids]) == sorted(f"r{n}" for n in range(30))
    assert test.folds is None
    assert dev.folds is not None
    assert np.array_equal(train.folds, dev.folds)
    assert sorted(set(dev.folds.tolist())) == [0, 1, 2]
    fold_of = dict(zip(dev.ids, dev.folds.tolist(), strict=True))
    assert all(fold_of.get(f"r{n}") == fold_of.get(f"r{n + 1}") for n in range(0, 30, 2))
    assert dev.subset(np.array([2, 0])).folds.tolist() == [dev.folds[2], dev.folds[0]]  # type: ignore[union-attr]


def test_the_digest_of_a_split_covers_its_folds(tmp_path: Path) -> None:
    write_groups(tmp_path)
    one, other = (read_split(folds_spec(folds=3, seed=seed), tmp_path, "dev") for seed in (0, 1))
    assert (one.ids, one.sentences) == (other.ids, other.sentences)
    assert one.digest != other.digest
    assert one.digest == read_split(folds_spec(folds=3), tmp_path, "train").digest


def test_more_folds_than_groups_are_refused(tmp_path: Path) -> None:
    rows = [f"{n},text{n} own{n},{'ab'[n % 2]},customer {n % 3}" for n in range(12)]
    (tmp_path / "rows.csv").write_text("\n".join(["id,text,label,customer", *rows]) + "\n")
    message = "rows.csv: 2 of 5 folds get none of 12 rows, because near-duplicates and groups stay in one fold; "
    with pytest.raises(UserError, match=message + "set folds = 3 or fewer, or add rows"):
        read_split(folds_spec(folds=5, group="customer"), tmp_path, "train")
