"""The house has one staircase: who may import whom, and where SQL, Redis, the time and the web may be spoken of."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("web", "push", "recsys", "content_store")
"""From top to bottom; each may import itself and those below."""

ONLY_IN = {
    "sqlalchemy": ("content_store/",),
    "alembic": ("content_store/",),
    "psycopg": ("content_store/",),
    "sqlite3": ("content_store/",),
    "redis": ("content_store/",),
    "click": ("web/",),
    "flask": ("web/",),
}
MODULE_OF = {"argon2_cffi": "argon2", "markdown_it_py": "markdown_it", "pillow": "PIL"}
"""Dependencies that are imported by another name than they are installed by."""
LONGEST_FILE = 400
LONGEST_FUNCTION = 40
CLOCK = "content_store/clock.py"
TELLS_TIME = {
    "time": {"time", "time_ns", "localtime", "gmtime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "Timestamp": {"now", "today", "utcnow"},
}

FILES = sorted(path.relative_to(ROOT).as_posix() for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


@dataclass(frozen=True)
class Import:
    """One imported module; ``late`` where it is inside a function or method."""

    module: str
    line: int
    late: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


class _Reader(ast.NodeVisitor):
    """Collects the imports of a file, those under ``if TYPE_CHECKING:`` too."""

    def __init__(self, package: str) -> None:
        self.package = package.split(".")
        self.depth = 0
        self.imports: list[Import] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._inside(node)

    def _inside(self, node: ast.AST) -> None:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    def visit_Import(self, node: ast.Import) -> None:
        self.imports += [Import(alias.name, node.lineno, self.depth > 0) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self.package[: len(self.package) - node.level + 1] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        self.imports.append(Import(module, node.lineno, self.depth > 0))


def imports_of(source: str, path: str) -> list[Import]:
    """Every import in ``source``, the text of the file at ``path`` (below the root)."""
    reader = _Reader(Path(path).parent.as_posix().replace("/", "."))
    reader.visit(ast.parse(source, path))
    return reader.imports


def offences(source: str, path: str) -> Iterator[str]:
    """What ``source`` at ``path`` imports against the rules."""
    layer = path.partition("/")[0]
    below = LAYERS[LAYERS.index(layer) :]
    for found in imports_of(source, path):
        where = f"{path}:{found.line} imports {found.module}"
        if found.top in LAYERS and found.top not in below:
            yield f"{where}: upwards"
        if found.top in (*LAYERS, "tests", "bench") and found.late and not path.startswith("web/cli/"):
            yield f"{where}: late, inside a function"
        if found.top in ("tests", "bench"):
            yield f"{where}: not part of the programme"
        if found.top in ONLY_IN and not path.startswith(ONLY_IN[found.top]):
            yield f"{where}: only {' and '.join(ONLY_IN[found.top])} may"


def clock_readings(source: str, path: str) -> Iterator[str]:
    """Where ``source`` asks the machine for the time of day."""
    for node in ast.walk(ast.parse(source, path)):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            if node.attr in TELLS_TIME.get(name, ()):
                yield f"{path}:{node.lineno} reads {name}.{node.attr}: only {CLOCK} may"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            taken = TELLS_TIME["time"] & {alias.name for alias in node.names}
            if taken:
                yield f"{path}:{node.lineno} takes {', '.join(sorted(taken))} from time: only {CLOCK} may"


@pytest.mark.parametrize("path", FILES)
def test_imports_go_down_the_staircase_and_stay_in_their_rooms(path: str) -> None:
    assert list(offences((ROOT / path).read_text("utf-8"), path)) == []


@pytest.mark.parametrize("path", [path for path in FILES if path != CLOCK])
def test_only_the_clock_reads_the_time(path: str) -> None:
    assert list(clock_readings((ROOT / path).read_text("utf-8"), path)) == []


_POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{[\d,]*\})\+|\(\?>")


@pytest.mark.parametrize("path", FILES)
def test_no_expression_has_what_older_pythons_get_wrong(path: str) -> None:
    """Possessive quantifiers of groups, and atomic groups, find the wrong things before Python 3.11.5."""
    calls = (node for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))) if isinstance(node, ast.Call))
    given = [call.args[0] for call in calls if ast.unparse(call.func) == "re.compile" and call.args]
    texts = [str(one.value) for one in given if isinstance(one, ast.Constant)]
    assert [text for text in texts if _POSSESSIVE_GROUP.search(text)] == []


@pytest.mark.parametrize("path", FILES)
def test_files_and_functions_stay_short(path: str) -> None:
    source = (ROOT / path).read_text("utf-8")
    assert source.count("\n") <= LONGEST_FILE
    long = [
        f"{path}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(source, path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_every_declared_dependency_is_imported_by_the_programme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[^\w-]", wanted)[0].replace("-", "_") for wanted in project["dependencies"]}
    imported = {found.top for path in FILES for found in imports_of((ROOT / path).read_text("utf-8"), path)}
    assert {MODULE_OF.get(name, name) for name in declared} - imported == set()


def test_every_layer_is_there() -> None:
    assert {path.partition("/")[0] for path in FILES} == set(LAYERS)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("content_store/x.py", "import recsys.live"),
        ("recsys/models/x.py", "from web import cli"),
        ("recsys/x.py", "from ..push import y"),
        ("recsys/x.py", "import sqlalchemy as sa"),
        ("push/x.py", "from redis import Redis"),
        ("recsys/x.py", "import click"),
        ("web/x.py", "def f():\n    from recsys import live"),
        ("recsys/x.py", "class A:\n    async def f(self):\n        import content_store.db"),
        ("web/x.py", "if True:\n    from tests.support import ci"),
    ],
)
def test_a_forbidden_import_is_seen(path: str, source: str) -> None:
    assert list(offences(source, path))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("web/cli/x.py", "def f():\n    from recsys import live"),
        ("recsys/models/x.py", "from .base import Model\nfrom content_store import errors"),
        ("content_store/hot/x.py", "def f():\n    import redis"),
        ("recsys/x.py", "import time\ntime.perf_counter()"),
    ],
)
def test_an_allowed_import_is_let_pass(path: str, source: str) -> None:
    assert list(offences(source, path)) == []
    assert list(clock_readings(source, path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "from time import time_ns",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import date\ndate.today()",
        "import pandas as pd\npd.Timestamp.now()",
    ],
)
def test_a_look_at_the_machines_clock_is_seen(source: str) -> None:
    assert list(clock_readings(source, "recsys/x.py"))
