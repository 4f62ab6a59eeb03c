"""What the documents say is true: their words, links, paths and commands are looked up in the programme itself."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree

import click
import numpy as np
import pytest

from content_store import review_words, staff_vocabulary, vocabulary
from content_store.vocabulary import COUNTIES, EventKind, Prefecture, Topic
from recsys.evaluation import cold, split
from recsys.evaluation.ranks import metrics_of
from web.cli import kepu

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "README.zh.md")
PAGES = [*READMES, "CHANGELOG.md", *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md"))]
ROOMS = ("content_store/", "recsys/", "push/", "web/", "tests/", "bench/", "docs/", ".ci/")
ENUMS = [
    kind
    for module in (vocabulary, review_words, staff_vocabulary)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if kind.__module__ == module.__name__
]

FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def page(name: str) -> str:
    """The text of a document."""
    return (ROOT / name).read_text("utf-8")


def commands(text: str) -> list[list[str]]:
    """The words after ``kepu`` of every line of the code blocks in ``text`` that calls it; comments are left out."""
    blocks = [block.replace("\\\n", " ") for block in FENCE.findall(text)]
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    called = [shlex.split(line, comments=True) for line in lines if re.match(r"(\./)?kepu\b", line)]
    return [words[1:] for words in called]


def mistake(words: list[str]) -> str | None:
    """What is wrong with ``kepu WORDS``, as click would tell it; None where it would run."""
    command: click.Command = kepu
    rest = list(words)
    while isinstance(command, click.Group):
        if command.invoke_without_command and not (rest and rest[0].isalpha()):
            break
        name = rest.pop(0) if rest else ""
        found = command.get_command(click.Context(command), name)
        if found is None:
            return f"no command {name!r}"
        command = found
    try:
        command.make_context(command.name, rest).close()
    except click.UsageError as error:
        return error.format_message()
    return None


def anchors(text: str) -> set[str]:
    """The fragments by which the headings of ``text`` are linked to."""
    titles = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def dead_links(text: str, folder: Path) -> Iterator[str]:
    """The relative links of ``text``, a document in ``folder``, that point nowhere."""
    for target in LINK.findall(CODE.sub("", FENCE.sub("", text))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        file = folder / path
        if path and not file.exists():
            yield target
            continue
        if fragment and fragment not in anchors(file.read_text("utf-8") if path else text):
            yield target


def lost_paths(text: str) -> list[str]:
    """The files and folders of ours that ``text`` names in backticks and that do not exist."""
    named = {
        name for name in CODE.findall(FENCE.sub("", text)) if name.startswith(ROOMS) and re.fullmatch(r"\S+", name)
    }
    return sorted(name for name in named if not (ROOT / name).exists())


@pytest.mark.parametrize("entry", [*Topic, *Prefecture], ids=lambda entry: entry.name.lower())
def test_the_glossary_gives_the_chinese_name_beside_the_code(entry: Topic | Prefecture) -> None:
    assert re.search(rf"\| {entry.label}( \*)? \| `{entry.value}` \|", page("docs/glossary.md"))


@pytest.mark.parametrize("kind", EventKind)
def test_the_glossary_explains_every_kind_of_event(kind: EventKind) -> None:
    assert re.search(
        rf"^\| [^|]*[\u4e00-\u9fff][^|]* \| `{kind.value}` \| .+ \|$", page("docs/glossary.md"), re.MULTILINE
    )


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_the_glossary_has_every_word_of_the_vocabulary(kind: type[StrEnum]) -> None:
    known = set(CODE.findall(page("docs/glossary.md")))
    assert {kind.__name__, *(entry.value for entry in kind)} <= known


@pytest.mark.parametrize("code", COUNTIES)
def test_the_glossary_names_the_counties(code: str) -> None:
    assert f"{COUNTIES[code]} `{code}`" in page("docs/glossary.md")


@pytest.mark.parametrize("topic", Topic)
def test_the_glossary_marks_what_is_never_inferred(topic: Topic) -> None:
    marked = f"| {topic.label} * |" in page("docs/glossary.md")
    assert marked == (topic in vocabulary.NEVER_INFERRED)


@pytest.mark.parametrize("name", PAGES)
def test_relative_links_lead_somewhere(name: str) -> None:
    assert list(dead_links(page(name), (ROOT / name).parent)) == []


@pytest.mark.parametrize("name", PAGES)
def test_files_that_are_named_exist(name: str) -> None:
    assert lost_paths(page(name)) == []


@pytest.mark.parametrize("name", PAGES)
def test_commands_in_code_blocks_would_run(name: str) -> None:
    assert {shlex.join(words): wrong for words in commands(page(name)) if (wrong := mistake(words))} == {}


def test_both_readmes_list_the_same_commands() -> None:
    english, chinese = (commands(page(name)) for name in READMES)
    assert english
    assert english == chinese


def test_both_readmes_open_the_same_files() -> None:
    english, chinese = (set(CODE.findall(FENCE.sub("", page(name)))) for name in READMES)
    assert {name for name in english if name.startswith(ROOMS)} == {name for name in chinese if name.startswith(ROOMS)}


def test_every_decision_is_in_the_index() -> None:
    index = page("docs/decisions/README.md")
    records = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [name for name in records if f"[{name[:4]}]({name})" not in index] == []


def test_every_metric_is_defined() -> None:
    shown = {*metrics_of(np.ones(1, np.int64)), "coverage"}
    shown |= {f"{metric}@{k}" for k in split.KS for metric in ("recall", "ndcg")} | {f"recall@{k}" for k in cold.KS}
    assert shown <= set(CODE.findall(page("docs/numbers.md")))


def test_the_picture_of_the_house_is_well_formed_and_names_every_layer() -> None:
    said = {text.strip() for text in ElementTree.parse(ROOT / "docs/house.svg").getroot().itertext()}
    assert {"web", "push", "recsys", "content_store"} <= said


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("recommend anyone --limit 3", False),
        ("import events log.parquet --create-missing", False),
        ("test -q tests/test_docs.py", False),
        ("forecast", True),
        ("import", True),
        ("import weather log.parquet", True),
        ("recommend", True),
        ("train --quickly", True),
        ("evaluate --protocol guess", True),
    ],
)
def test_a_command_that_would_not_run_is_seen(words: str, wrong: bool) -> None:
    [found] = commands(f"```sh\n./kepu {words}  # a comment\n```")
    assert (mistake(found) is not None) == wrong


def test_dead_links_and_lost_files_are_seen(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A heading, 中文\n", "utf-8")
    text = "[a](there.md) [b](there.md#a-heading-中文) [c](https://example.org) `[d](code.md)`"
    assert list(dead_links(text, tmp_path)) == []
    text = "[e](gone.md) [f](there.md#no) ![g](gone.svg)"
    assert list(dead_links(text, tmp_path)) == ["gone.md", "there.md#no", "gone.svg"]
    assert lost_paths("`recsys/live.py` `recsys/dead.py` `var/x.py`") == ["recsys/dead.py"]
