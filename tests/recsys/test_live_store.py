"""States of the fast layer on disk: whole or passed over, through kills and damage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from content_store.errors import SnapshotError
from recsys.live_store import KEPT, LiveStore

ROOT = Path(__file__).resolve().parents[2]


def save(store: LiveStore, value: int) -> str:
    name = store.save({"value": value}, {"one": np.full(1000, value), "two": np.zeros((3, 0), np.float32)})
    assert name is not None
    return name


def values(store: LiveStore) -> list[int]:
    """The values of all states that can be loaded, newest first."""
    found = []
    for name in reversed(store.states()):
        try:
            kept = store.load(name)
        except SnapshotError:
            continue
        assert kept.arrays["one"].tolist() == [kept.facts["value"]] * 1000
        assert kept.arrays["two"].shape == (3, 0)
        found.append(kept.facts["value"])
    return found


def test_the_newest_states_are_kept(tmp_path: Path) -> None:
    store = LiveStore(tmp_path / "live")
    assert store.states() == []
    names = [save(store, value) for value in range(5)]
    assert store.states() == names[-KEPT:]
    assert values(store) == [4, 3]


def test_who_comes_while_another_writes_leaves_it_to_them(tmp_path: Path) -> None:
    rival = LiveStore(tmp_path)
    refused: list[object] = []
    store = LiveStore(tmp_path, on_step=lambda _: refused.append(rival.save({}, {})))
    save(store, 1)
    assert refused
    assert not any(refused)
    assert values(rival) == [1]


def test_an_array_that_would_need_a_pickle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="texts"):
        LiveStore(tmp_path).save({}, {"texts": np.array(["a"], object)})
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "live").write_text("a file is in the way")
    with pytest.raises(SnapshotError, match="cannot be written"):
        save(LiveStore(tmp_path / "live"), 1)


@pytest.mark.parametrize("file", ["manifest.json", "one.npy", "two.npy"])
@pytest.mark.parametrize("harm", ["cut", "flipped", "gone"])
def test_a_damaged_state_is_not_loaded(file: str, harm: str, tmp_path: Path) -> None:
    store = LiveStore(tmp_path)
    save(store, 1)
    path = tmp_path / save(store, 2) / file
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] if harm == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    assert values(store) == [1]


# Runs in a process of its own without threads, so that it may fork: each child saves and kills itself where told.
CHILDREN = """
import os, shutil, signal, sys
from pathlib import Path
from recsys.live_store import LiveStore
from tests.recsys.test_live_store import save

def save_and_die(root, at):
    left = [at]
    def on_step(name):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    save(LiveStore(root, on_step=on_step), 99)

base = Path(sys.argv[1])
for step in range(1, 1000):
    root = base / str(step)
    shutil.copytree(base / "before", root)
    pid = os.fork()
    if pid == 0:
        save_and_die(root, step)
        os._exit(0)
    if not os.WIFSIGNALED(os.waitpid(pid, 0)[1]):
        break
print(step)
"""


def test_killed_at_any_step_of_a_save_the_old_states_or_the_new_one_are_there(tmp_path: Path) -> None:
    before = LiveStore(tmp_path / "before")
    for value in (1, 2):
        save(before, value)
    done = subprocess.run(
        [sys.executable, "-c", CHILDREN, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout)
    assert steps > 8
    newest = []
    for step in range(1, steps + 1):
        store = LiveStore(tmp_path / str(step))
        newest.append(values(store)[0])
        save(store, 5)
        assert values(store)[0] == 5
        assert len(store.states()) == KEPT
        assert not (store.root / ".staging").exists()
    assert set(newest) == {2, 99}
    assert newest == sorted(newest), "once the new one is there it stays"
