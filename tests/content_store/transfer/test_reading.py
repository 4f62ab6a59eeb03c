"""Files come in as batches of columns; what cannot be read is refused row by row, or clearly as a whole."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from content_store.errors import ImportFileError
from content_store.transfer import batches, csv_rows, jsonl_rows, reading

WANTED = {"a", "b"}


def _read(path: Path, size: int = 100, wanted: set[str] = WANTED) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """The rows of a file with their lines, and the refused lines with their reasons."""
    rows: list[dict[str, Any]] = []
    rejects: list[tuple[int, str]] = []
    with reading.opened(path) as reader:
        for batch in reader.batches(wanted, size):
            assert len(batch) <= size
            for position, line in enumerate(batch.lines.tolist()):
                values = {name: column[position].as_py() for name, column in batch.columns.items()}
                rows.append({"line": line} | values)
            rejects += [(reject.line, reject.reason) for reject in batch.rejects]
    return rows, rejects


def _file(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("comma", [",", ";", "\t"])
def test_csv_is_read_with_any_line_end_mark_and_separator(tmp_path: Path, ends: str, mark: str, comma: str) -> None:
    lines = [comma.join(row) for row in (["a", "b", "c"], ["1", "熊猫", "x"], ["2", '"q ""r"""', ""])]
    rows, rejects = _read(_file(tmp_path, "x.csv", mark + ends.join(lines) + ends))
    assert rows == [{"line": 2, "a": "1", "b": "熊猫"}, {"line": 3, "a": "2", "b": 'q "r"'}]
    assert rejects == []


def test_csv_lines_are_counted_through_quoted_line_ends_and_blank_lines(tmp_path: Path) -> None:
    rows, rejects = _read(_file(tmp_path, "x.csv", 'a,b\n1,"x\ny"\n\n2,z\n3,"\r\n\r\n"\n4,w,v\n5,u'), size=1)
    assert [row["line"] for row in rows] == [2, 5, 6, 10]
    assert [row["b"] for row in rows] == ["x\ny", "z", "\r\n\r\n", "u"]
    assert rejects == [(9, "has 3 fields, the header 2")]


def test_broken_quotes_cost_their_own_rows_only(tmp_path: Path) -> None:
    rows, rejects = _read(_file(tmp_path, "x.csv", 'a,b\n1,"x"y\n2,z\n3,"open\n4,never closed\n'))
    assert [row["a"] for row in rows] == ["2"]
    assert [line for line, _ in rejects] == [2, 4]
    assert all("is no CSV" in reason for _, reason in rejects)


def test_a_field_beyond_all_bounds_is_refused_and_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_rows, "LONGEST_FIELD", 1000)
    limit = csv.field_size_limit()
    try:
        rows, rejects = _read(_file(tmp_path, "x.csv", f"a,b\n1,{'x' * 999}\n2,{'x' * 5000}\n3,z\n"))
    finally:
        csv.field_size_limit(limit)
    assert (rows[0]["a"], rows[-1]["a"]) == ("1", "3")
    assert rejects and all(line >= 3 for line, _ in rejects)


def test_a_long_article_is_an_ordinary_field(tmp_path: Path) -> None:
    body = "长" * 500_000
    rows, rejects = _read(_file(tmp_path, "x.csv", f"a,b\n1,{body}\n"))
    assert (rows[0]["b"], rejects) == (body, [])


def test_very_long_rows_end_a_batch_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (csv_rows, jsonl_rows):
        monkeypatch.setattr(module, "LARGEST_BATCH", 10_000)
    text = "x" * 1000
    table = _file(tmp_path, "x.csv", "a,b\n" + f"1,{text}\n" * 2000)
    objects = _file(tmp_path, "x.jsonl", (json.dumps({"a": 1, "b": text}) + "\n") * 2000)
    for path in (table, objects):
        with reading.opened(path) as reader:
            sizes = [len(batch) for batch in reader.batches(WANTED, 2000)]
        assert sum(sizes) == 2000
        assert max(sizes) < 2000


def test_chinese_spreadsheets_in_gb18030_are_understood_and_said_so(tmp_path: Path) -> None:
    path = _file(tmp_path, "x.csv", "a,b\n1,大熊猫为什么吃竹子\n2,㐀𠀀\n".encode("gb18030"))
    rows, _ = _read(path)
    assert [row["b"] for row in rows] == ["大熊猫为什么吃竹子", "㐀𠀀"]
    with reading.opened(path) as reader:
        assert reader.notes == ["the file is not UTF-8; it was read as GB18030"]


def test_gb18030_is_noticed_however_late_it_shows(tmp_path: Path) -> None:
    path = _file(tmp_path, "x.csv", b"a,b\n" + b"1,plain\n" * 200_000 + "2,熊猫\n".encode("gb18030"))
    rows, _ = _read(path, size=300_000)
    assert rows[-1]["b"] == "熊猫"


def test_utf16_from_a_spreadsheet_is_understood(tmp_path: Path) -> None:
    rows, _ = _read(_file(tmp_path, "x.csv", "a\tb\r\n1\t熊猫\r\n".encode("utf-16")))
    assert rows == [{"line": 2, "a": "1", "b": "熊猫"}]


def test_a_few_broken_bytes_cost_their_own_row_only(tmp_path: Path) -> None:
    lines = [f"{number},熊猫{number}".encode() for number in range(50)]
    lines[20] = b"20,\xe7\x86"
    rows, rejects = _read(_file(tmp_path, "x.csv", b"a,b\n" + b"\n".join(lines) + b"\n"))
    assert len(rows) == 49
    assert rejects == [(22, "has bytes that are not utf-8-sig")]


def test_nul_bytes_reach_the_judgement_as_they_are(tmp_path: Path) -> None:
    rows, _ = _read(_file(tmp_path, "x.csv", "a,b\n1,x\x00y\n"))
    assert rows[0]["b"] == "x\x00y"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b"\xef\xbb\xbf\r\n", "is empty: a header is expected"),
        ("x.csv", b"a,b,a\n1,2,3\n", "several columns 'a'"),
        ("x.csv", b"a,b\n\xff\xff\xff\xff\n", "neither UTF-8 nor GB18030"),
        ("x.parquet", b"", "is empty"),
        ("x.parquet", b"PAR1 but not really", "cannot be read as Parquet"),
        ("x.xlsx", b"PK", "has the extension '.xlsx'"),
        ("x", b"a,b\n", "has no extension"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_to_be_so(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        _read(_file(tmp_path, name, content))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="No such file"):
        _read(tmp_path / "x.csv")
    (tmp_path / "y.csv").mkdir()
    with pytest.raises(ImportFileError, match="Is a directory"):
        _read(tmp_path / "y.csv")


def test_a_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    assert _read(_file(tmp_path, "x.csv", "a,b\n")) == ([], [])


def test_json_lines_without_a_line_are_an_empty_table(tmp_path: Path) -> None:
    assert _read(_file(tmp_path, "x.jsonl", "")) == ([], [])


def test_json_lines_that_are_no_objects_are_refused(tmp_path: Path) -> None:
    lines = ['{"a": 1, "b": "熊猫"}', "", "[1]", "17", "{broken", '{"a": NaN}', '{"a": "\\ud800"}', '{"a": 2}']
    rows, rejects = _read(_file(tmp_path, "x.jsonl", "\ufeff" + "\r\n".join(lines)))
    assert rows == [{"line": 1, "a": 1, "b": "熊猫"}, {"line": 8, "a": 2, "b": None}]
    assert [(line, reason[:9]) for line, reason in rejects] == [
        (3, "is no JSO"),
        (4, "is no JSO"),
        (5, "is no JSO"),
        (6, "is no JSO"),
        (7, "is no JSO"),
    ]


def test_a_json_column_of_mixed_types_becomes_text_without_losing_digits(tmp_path: Path) -> None:
    big = 2**60 + 1
    lines = [{"a": big, "b": 1}, {"a": "x", "b": 2.5}, {"a": None, "b": big}, {"a": True, "b": {"c": 1}}]
    rows, _ = _read(_file(tmp_path, "x.jsonl", "\n".join(map(json.dumps, lines))))
    assert [row["a"] for row in rows] == [str(big), "x", None, "\x00"]
    assert [row["b"] for row in rows] == ["1", "2.5", str(big), "\x00"]


def test_a_json_line_beyond_all_bounds_is_refused_and_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl_rows, "LONGEST_FIELD", 100)
    rows, rejects = _read(_file(tmp_path, "x.jsonl", '{"a": "' + "x" * 1000 + '"}\n{"a": 1}\n'))
    assert ([row["line"] for row in rows], [line for line, _ in rejects]) == ([2], [1])


def test_parquet_is_read_across_row_groups_with_row_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(
        pa.table({"a": range(25), "c": range(25), "b": [None, *map(str, range(24))]}), path, row_group_size=7
    )
    rows, _ = _read(path, size=10)
    assert [row["line"] for row in rows] == list(range(1, 26))
    assert rows[3] == {"line": 4, "a": 3, "b": "2"}


def test_a_parquet_file_that_was_cut_off_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": range(1000)}), path)
    whole = path.read_bytes()
    for length in (4, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ImportFileError, match="cannot be read as Parquet") as caught:
            _read(path)
        assert "cut off" in caught.value.hint


def test_parquet_damaged_in_its_middle_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [str(number) * 10 for number in range(5000)]}), path, compression="zstd")
    whole = bytearray(path.read_bytes())
    whole[200:1200] = bytes(1000)
    path.write_bytes(whole)
    with pytest.raises(ImportFileError, match="cannot be read as Parquet"):
        _read(path, size=10_000)


ROWS = st.lists(st.tuples(st.text(max_size=10), st.text(max_size=10)), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ROWS, st.integers(1, 5), st.sampled_from(["\n", "\r\n"]))
def test_what_csv_writers_write_is_what_is_read(
    tmp_path: Path, rows: list[tuple[str, str]], size: int, ends: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=ends, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    found, rejects = _read(_file(tmp_path, "x.csv", text.getvalue()), size)
    assert [(row["a"], row["b"]) for row in found] == rows
    assert rejects == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["x.csv", "x.jsonl", "x.parquet"]))
def test_no_bytes_break_a_reader(tmp_path: Path, content: bytes, name: str) -> None:
    header = b"a,b\n" if name == "x.csv" else b""
    try:
        rows, rejects = _read(_file(tmp_path, name, header + content), size=3)
    except ImportFileError:
        return
    assert len(rows) + len(rejects) <= content.count(b"\n") + content.count(b"\r") + 1


def test_the_bounds_are_the_documented_ones() -> None:
    assert (batches.LONGEST_FIELD, batches.LARGEST_BATCH) == (16 * 2**20, 64 * 2**20)
