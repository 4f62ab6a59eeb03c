"""``kepu works check`` as a person at a terminal, or a script, meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from content_store.errors import ImportFileError
from content_store.settings import Settings
from tests.support.uploads import picture, word
from web.cli.works import works

Run = Callable[..., Result]


@pytest.fixture
def kepu(settings_factory: Callable[..., Settings]) -> Run:
    """``kepu("check", file)`` runs the command."""

    def run(*arguments: object) -> Result:
        settings = settings_factory(upload_most_mb=1)
        return CliRunner().invoke(works, [str(argument) for argument in arguments], obj=settings)

    return run


def test_check_tells_what_a_work_would_become_and_what_to_mend(kepu: Run, tmp_path: Path) -> None:
    file, beside = tmp_path / "火星.md", tmp_path / "map.png"
    file.write_text("# 火星上有水吗\n\n有。![](map.png) ![图](gone.png)\n", "utf-8")
    beside.write_bytes(picture())
    done = kepu("check", file, "--picture", beside)
    assert done.exit_code == 0, done.output
    assert "火星.md: Markdown 文本" in done.output
    assert "title     火星上有水吗" in done.output
    assert "png, 60 × 40" in done.output
    assert "missing_alt: 图片没有文字说明" in done.output
    assert "missing_picture: 文中提到的图片没有找到，请把图片一并上传 [gone.png]" in done.output


def test_json_is_for_scripts(kepu: Run, tmp_path: Path) -> None:
    file = tmp_path / "a.docx"
    file.write_bytes(word())
    told = json.loads(kepu("check", file, "--json").output)
    assert (told["kind"], told["title"], told["html"]) == ("docx", "a", "<p>大熊猫吃竹子。</p>")
    assert [entry["code"] for entry in told["warnings"]] == ["title_from_name"]
    assert told["pictures"] == []


def test_a_refusal_is_an_answer_with_status_1(kepu: Run, tmp_path: Path) -> None:
    file = tmp_path / "a.docx"
    file.write_bytes(b"MZ" + bytes(99))
    done = kepu("check", file)
    assert (done.exit_code, "refused (unknown_kind)" in done.output) == (1, True)
    done = kepu("check", file, "--json")
    assert (done.exit_code, json.loads(done.output)["refused"]["code"]) == (1, "unknown_kind")


def test_a_file_larger_than_the_setting_is_refused(kepu: Run, tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_bytes(b"a" * ((1 << 20) + 1))
    done = kepu("check", file)
    assert (done.exit_code, "refused (too_large)" in done.output) == (1, True)


def test_a_file_that_is_not_there_is_a_mistake(kepu: Run, tmp_path: Path) -> None:
    assert isinstance(kepu("check", tmp_path / "none.md").exception, ImportFileError)
