"""Snapshots: whole or absent, through kills, damage, rivals and clean-ups."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from content_store import clock
from content_store.errors import LeaseLost, SnapshotError
from recsys.models.base import Arrays, Model
from recsys.snapshots import Draft, SnapshotStore

NOON = 1_724_644_800_000  # 2024-08-26 12:00 in Shanghai
ROOT = Path(__file__).resolve().parents[2]


class Numbers(Model):
    """A model that remembers what it was given."""

    name: ClassVar[str] = "numbers"

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values

    def config(self) -> dict[str, Any]:
        return {"size": int(self.values.size)}

    def arrays(self) -> Arrays:
        return {"values": self.values}

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        return cls(arrays["values"])


class Others(Numbers):
    name: ClassVar[str] = "others"


def draft(value: int = 0, items: tuple[str, ...] = ("a", "天府")) -> Draft:
    return Draft([Numbers(np.arange(5) + value), Others(np.zeros(3))], items, {"value": value})


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots", keep=3)


def value_of(store: SnapshotStore) -> int | None:
    snapshot = store.active().snapshot
    if snapshot is None:
        return None
    values = snapshot.load(Numbers).values
    assert values.tolist() == (np.arange(5) + snapshot.facts["value"]).tolist()
    return int(values[0])


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_published_snapshot_is_active_and_gives_back_what_was_put_in(store: SnapshotStore) -> None:
    with clock.fixed(NOON):
        published = store.publish(draft(7))

    opened = store.active()

    assert published.version == "000001-20240826T120000"
    assert opened.problems == ()
    assert opened.snapshot == published
    assert opened.snapshot.items() == ["a", "天府"]
    assert opened.snapshot.models == ["numbers", "others"]
    assert opened.snapshot.facts == {"value": 7}
    assert opened.snapshot.manifest["created_at"] == NOON
    assert value_of(store) == 7


def test_without_snapshots_nothing_is_active(store: SnapshotStore) -> None:
    assert store.active().snapshot is None
    assert store.versions() == []
    with pytest.raises(SnapshotError, match="no earlier snapshot"):
        store.rollback()


def test_versions_are_ordered_even_where_the_clock_goes_backwards(store: SnapshotStore) -> None:
    with clock.fixed(NOON):
        first = store.publish(draft(1)).version
    with clock.fixed(NOON - 3_600_000):
        second = store.publish(draft(2)).version

    assert store.versions() == [first, second]


def test_a_number_is_never_used_twice_even_when_its_version_is_gone(store: SnapshotStore) -> None:
    for value in range(6):
        store.publish(draft(value))
    for version in store.versions():
        for path in sorted((store.root / version).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (store.root / version).rmdir()

    assert store.publish(draft()).version.startswith("000007-")


def test_rolling_back_goes_through_the_activations_one_by_one(store: SnapshotStore) -> None:
    versions = [store.publish(draft(value)).version for value in range(3)]

    assert store.rollback().version == versions[1]
    assert value_of(store) == 1
    assert store.rollback().version == versions[0]
    with pytest.raises(SnapshotError, match="no earlier snapshot"):
        store.rollback()
    assert [entry["how"] for entry in store.activations().log] == ["publish"] * 3 + ["rollback"] * 2


def test_rolling_back_skips_a_damaged_version(store: SnapshotStore) -> None:
    versions = [store.publish(draft(value)).version for value in range(3)]
    damage(store.root / versions[1] / "items.json")

    assert store.rollback().version == versions[0]


def test_any_good_version_can_be_activated_and_taken_back(store: SnapshotStore) -> None:
    versions = [store.publish(draft(value)).version for value in range(3)]

    store.activate(versions[0])

    assert value_of(store) == 0
    assert store.rollback().version == versions[2]


def test_activating_what_is_active_changes_nothing_for_a_rollback(store: SnapshotStore) -> None:
    versions = [store.publish(draft(value)).version for value in range(2)]

    store.activate(versions[1])

    assert store.rollback().version == versions[0]


def test_a_damaged_version_cannot_be_activated(store: SnapshotStore) -> None:
    first, second = (store.publish(draft(value)).version for value in range(2))
    damage(store.root / first / "models" / "numbers" / "arrays.npz")

    with pytest.raises(SnapshotError, match="checksum"):
        store.activate(first)

    assert store.activations().active == second


@pytest.mark.parametrize("name", ["manifest.json", "items.json", "models/numbers/arrays.npz"])
@pytest.mark.parametrize("how", ["altered", "cut", "empty", "gone"])
def test_whatever_is_damaged_the_last_good_one_is_used_and_it_says_so(
    store: SnapshotStore, name: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    versions = [store.publish(draft(value)).version for value in range(2)]
    path = store.root / versions[1] / name
    if how == "altered":
        damage(path)
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 if how == "cut" else 0])

    opened = store.active()

    assert opened.snapshot is not None
    assert opened.snapshot.version == versions[0]
    assert len(opened.problems) == 1
    assert versions[1] in opened.problems[0]
    assert f"using {versions[0]}" in caplog.text


def test_where_all_are_damaged_none_is_used(store: SnapshotStore) -> None:
    for value in range(2):
        damage(store.root / store.publish(draft(value)).version / "items.json")

    opened = store.active()

    assert opened.snapshot is None
    assert len(opened.problems) == 2


def test_a_version_that_was_rolled_back_is_not_fallen_back_to(store: SnapshotStore) -> None:
    versions = [store.publish(draft(value)).version for value in range(2)]
    store.rollback()
    damage(store.root / versions[0] / "items.json")

    assert store.active().snapshot is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"active": "../../etc", "previous": [], "log": []}'])
def test_an_unreadable_record_of_the_active_one_leads_to_the_newest_good_version(
    store: SnapshotStore, text: str
) -> None:
    versions = [store.publish(draft(value)).version for value in range(3)]
    damage(store.root / versions[2] / "items.json")
    (store.root / "active").write_text(text, "utf-8")

    opened = store.active()

    assert opened.snapshot is not None
    assert opened.snapshot.version == versions[1]
    assert len(opened.problems) == 2

    assert store.publish(draft(9)).facts == {"value": 9}
    assert value_of(store) == 9


def test_only_the_newest_versions_are_kept(store: SnapshotStore) -> None:
    versions = [store.publish(draft(value)).version for value in range(6)]

    assert store.versions() == versions[-3:]


def test_retention_spares_where_a_rollback_would_go(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, keep=2)
    oldest, _ = (store.publish(draft(value)).version for value in range(2))
    store.activate(oldest)

    newest = [store.publish(draft(value)).version for value in range(2, 4)]
    assert store.versions() == newest

    store.activate(newest[0])
    store.publish(draft(4))
    last = store.publish(draft(5)).version
    assert store.activations().active == last
    assert store.activations().previous[-1] in store.versions()


def test_retention_spares_the_active_version_however_old(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, keep=1)
    first = store.publish(draft(0)).version
    second = store.publish(draft(1)).version
    assert store.versions() == [first, second], "the one before the active one stays"

    store.activate(first)
    third = store.publish(draft(2)).version

    assert store.versions() == [first, third]


def test_retention_keeps_the_last_good_one_behind_damaged_ones(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, keep=1)
    good = store.publish(draft(0)).version
    bad = store.publish(draft(1)).version
    damage(store.root / bad / "items.json")

    newest = store.publish(draft(2)).version

    assert store.versions() == [good, bad, newest]
    assert store.rollback().version == good


@pytest.mark.parametrize(
    "version", ["", ".", "..", "../x", "/etc", "000001-20240826T120000/..", "000001-20240826T120000\n", "active", "１"]
)
def test_a_name_that_leads_elsewhere_is_refused(store: SnapshotStore, version: str) -> None:
    store.publish(draft())

    for ask in (store.open, store.activate):
        with pytest.raises(SnapshotError, match="no name of ours"):
            ask(version)


def test_a_model_name_that_leads_elsewhere_is_refused(store: SnapshotStore) -> None:
    class Elsewhere(Numbers):
        name: ClassVar[str] = "../elsewhere"

    with pytest.raises(SnapshotError, match="no name of ours"):
        store.publish(Draft([Elsewhere(np.zeros(1))], [], {}))

    assert list(store.root.parent.iterdir()) == []


def test_a_version_that_is_a_link_to_elsewhere_is_refused(store: SnapshotStore, tmp_path: Path) -> None:
    version = store.publish(draft()).version
    (store.root / version).rename(tmp_path / "moved")
    (store.root / version).symlink_to(tmp_path / "moved")

    with pytest.raises(SnapshotError, match="no snapshot"):
        store.open(version)


def test_a_file_that_is_a_link_to_elsewhere_is_refused(store: SnapshotStore, tmp_path: Path) -> None:
    path = store.root / store.publish(draft()).version / "items.json"
    path.rename(tmp_path / "items.json")
    path.symlink_to(tmp_path / "items.json")

    with pytest.raises(SnapshotError, match="leads out"):
        store.open(path.parent.name)


def test_two_models_of_one_name_are_refused(store: SnapshotStore) -> None:
    with pytest.raises(SnapshotError, match="share a name"):
        store.publish(Draft([Numbers(np.zeros(1)), Numbers(np.zeros(1))], [], {}))


def test_a_model_that_is_not_there_is_refused(store: SnapshotStore) -> None:
    snapshot = store.publish(Draft([Numbers(np.zeros(1))], [], {}))

    with pytest.raises(SnapshotError, match="no model others"):
        snapshot.load(Others)


def test_a_model_that_cannot_be_kept_leaves_the_active_one_alone(store: SnapshotStore) -> None:
    version = store.publish(draft(1)).version

    with pytest.raises(SnapshotError, match="object dtype"):
        store.publish(Draft([Numbers(np.array([object()]))], [], {}))

    assert store.versions() == [version]
    assert value_of(store) == 1


def test_whoever_has_the_last_word_may_refuse_and_the_version_goes(store: SnapshotStore) -> None:
    store.publish(draft(1))
    told: list[str] = []

    def refuse(version: str) -> AbstractContextManager[None]:
        told.append(version)
        raise LeaseLost("taken over")

    with pytest.raises(LeaseLost):
        store.publish(draft(2), refuse)
    assert value_of(store) == 1
    assert len(store.versions()) == 1
    assert [version.partition("-")[0] for version in told] == ["000002"]
    store.publish(draft(3))
    assert value_of(store) == 3


def test_the_last_word_is_spoken_around_the_activation(store: SnapshotStore) -> None:
    @contextmanager
    def look(_version: str) -> Iterator[None]:
        seen.append(value_of(store))
        yield
        seen.append(value_of(store))

    seen: list[int | None] = []
    store.publish(draft(5), look)
    assert seen == [None, 5]


def test_rival_publishers_in_threads_each_get_their_own_version(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, keep=100)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(store.publish(draft()).version)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == store.versions()
    assert [version[:6] for version in store.versions()] == [f"{number:06d}" for number in range(1, 9)]


# Runs in a process of its own without threads, so that it may fork: each child publishes and kills itself where told.
CHILDREN = """
import os, shutil, signal, sys
from pathlib import Path
import numpy as np
from recsys.snapshots import SnapshotStore
from tests.recsys.test_snapshots import draft

def child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid

def publish_and_die(root, at):
    left = [at]
    def on_step(name):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    SnapshotStore(root, keep=2, on_step=on_step).publish(draft(99))

what, base = sys.argv[1], Path(sys.argv[2])
if what == "rivals":
    pids = [child(lambda: SnapshotStore(base, keep=100).publish(draft(1))) for _ in range(6)]
    assert all(os.waitpid(pid, 0)[1] == 0 for pid in pids)
else:
    for step in range(1, 1000):
        root = base / str(step)
        if (base / "before").exists():
            shutil.copytree(base / "before", root)
        _, status = os.waitpid(child(lambda: publish_and_die(root, step)), 0)
        if not os.WIFSIGNALED(status):
            break
    print(step)
"""


def in_children(what: str, base: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", CHILDREN, what, str(base)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_killed_at_any_step_the_active_snapshot_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    before = SnapshotStore(tmp_path / "before", keep=2)
    for value in range(2):
        before.publish(draft(value))

    steps = int(in_children("kill", tmp_path))

    assert steps > 15
    values = [value_of(SnapshotStore(tmp_path / str(step), keep=2)) for step in range(1, steps + 1)]
    assert set(values) == {1, 99}
    assert values == sorted(values, key=lambda value: value == 99), "once the new one is active it stays active"
    for step in range(1, steps + 1):
        store = SnapshotStore(tmp_path / str(step), keep=2)
        assert store.active().problems == ()
        assert store.publish(draft(5)).facts == {"value": 5}
        assert value_of(store) == 5
        left = [path.name for path in store.root.iterdir() if path.name.startswith((".staging", ".trash"))]
        assert left == [], "what the dead one left is cleared away"


def test_killed_during_the_very_first_publication_there_is_none_or_the_whole(tmp_path: Path) -> None:
    steps = int(in_children("kill", tmp_path))

    values = [value_of(SnapshotStore(tmp_path / str(step))) for step in range(1, steps + 1)]
    assert set(values) == {None, 99}


def test_rival_publishers_in_processes_each_get_their_own_version(tmp_path: Path) -> None:
    in_children("rivals", tmp_path)

    store = SnapshotStore(tmp_path)
    assert [version[:6] for version in store.versions()] == [f"{number:06d}" for number in range(1, 7)]
    assert [json.loads((tmp_path / v / "manifest.json").read_text())["version"] for v in store.versions()] == (
        store.versions()
    )
    assert store.active().snapshot is not None
