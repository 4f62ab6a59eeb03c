"""Immutable versions of the trained models: published whole or not at all, activated and taken back by one rename.

Layout of the folder (``snapshots`` in the data folder)::

    active                    which version is in use, those before it, and the last activations (JSON)
    000042-20240826T111500/   a version: its number orders it, its time (Shanghai) is for people
        manifest.json         what it was made from, how good it was, the checksums of every other file and its own
        items.json            the item ids, in the order of the models' columns
        models/NAME/…         one folder per model, see ``recsys.models.base``
    .lock                     held by whoever changes the folder; the system lets go of it when its holder dies
    .staging-…, .trash-…      what a holder that died may leave; the next one clears it away

A version is written under a staging name, synced to disk and renamed; then ``active`` is replaced. Whoever is killed in
between leaves either the old state or the new one. Readers take no lock: they check every checksum and fall back.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from content_store import clock
from content_store.errors import ModelError, SnapshotError
from content_store.settings import Settings
from recsys.models import base
from recsys.seal import read_sealed, replace_file, seal, sync_tree, verify

log = logging.getLogger(__name__)

ITEMS = "items.json"
ACTIVE = "active"
MODELS = "models"
ACTIVATIONS_KEPT = 50
_VERSION = re.compile(r"[0-9]{6,12}-[0-9]{8}T[0-9]{6}", re.ASCII)
_MODEL = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)

ModelT = TypeVar("ModelT", bound=base.Model)
OnStep = Callable[[str], None]
TakingOver = Callable[[str], AbstractContextManager[object]]
"""Entered when the version of this name is about to become the active one, left when it is; may refuse by raising."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be published: fitted models by their own names, the item ids, and plain JSON ``facts``.

    ``facts`` tells data range, row counts, configuration, code version, metrics and the gate's verdict.
    """

    models: Sequence[base.Model]
    items: Sequence[str]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version whose every file matched its checksum when it was opened."""

    version: str
    folder: Path = field(repr=False)
    manifest: Mapping[str, Any] = field(repr=False)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What its publisher told about it."""
        facts: Mapping[str, Any] = self.manifest["facts"]
        return facts

    @property
    def models(self) -> list[str]:
        """The names of its models."""
        return list(self.manifest["models"])

    def items(self) -> list[str]:
        """The item ids, in the order of the models' columns."""
        ids: list[str] = json.loads((self.folder / ITEMS).read_text("utf-8"))
        return ids

    def load(self, kind: type[ModelT]) -> ModelT:
        """Its model of ``kind``. Raises SnapshotError where it has none, ModelError where it cannot be restored."""
        if kind.name not in self.models:
            raise SnapshotError(f"snapshot {self.version} has no model {kind.name}")
        return base.load(kind, self.folder / MODELS / kind.name)


@dataclass(frozen=True, slots=True)
class Opened:
    """The snapshot to use (None where there is no good one) and why better ones were passed over."""

    snapshot: Snapshot | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Activations:
    """The version in use, those in use before it (oldest first), and the last activations for people to read."""

    active: str | None = None
    previous: tuple[str, ...] = ()
    log: tuple[Mapping[str, Any], ...] = ()

    def moved(self, version: str, previous: tuple[str, ...], how: str) -> Activations:
        """The state after ``version`` took over at this moment."""
        entry = {"version": version, "at": clock.now_ms(), "how": how}
        return Activations(version, previous, (*self.log, entry)[-ACTIVATIONS_KEPT:])


class SnapshotStore:
    """The versions in ``root``; the ``keep`` newest are kept, and always the active one and the one before it.

    ``on_step`` is called with a name before each step that reaches the disk (for tests that die there).
    """

    def __init__(self, root: Path, *, keep: int = 5, on_step: OnStep = lambda _: None) -> None:
        if keep < 1:
            raise ValueError("at least one version must be kept")
        self.root = root
        self.keep = keep
        self._step = on_step

    def versions(self) -> list[str]:
        """All published versions, good or not, oldest first."""
        if not self.root.is_dir():
            return []
        names = [entry.name for entry in self.root.iterdir() if _VERSION.fullmatch(entry.name)]
        return sorted(names, key=_number)

    def open(self, version: str) -> Snapshot:
        """The snapshot ``version`` after checking every file. Raises SnapshotError where it is absent or damaged."""
        folder = self._folder(version)
        if folder.is_symlink() or not folder.is_dir():
            raise SnapshotError(f"there is no snapshot {version}", hint="`kepu snapshots list` shows them all")
        manifest = read_sealed(folder)
        verify(folder, manifest)
        if manifest.get("version") != version:
            raise SnapshotError(f"snapshot {version} says that it is {manifest.get('version')}")
        return Snapshot(version, folder, manifest)

    def active(self) -> Opened:
        """The active snapshot, or else the last good one before it, with a sentence for each that was passed over."""
        problems: list[str] = []
        try:
            state = self.activations()
            candidates = [*([state.active] if state.active else []), *reversed(state.previous)]
        except SnapshotError as error:
            problems.append(error.message)
            candidates = self.versions()[::-1]
        for version in candidates:
            try:
                snapshot = self.open(version)
            except SnapshotError as error:
                problems.append(error.message)
                continue
            break
        else:
            snapshot = None
        for problem in problems:
            log.warning("%s; using %s", problem, snapshot.version if snapshot else "no snapshot")
        return Opened(snapshot, tuple(problems))

    def activations(self) -> Activations:
        """What is active and was before. Raises SnapshotError where the record of it cannot be read."""
        path = self.root / ACTIVE
        try:
            state = json.loads(path.read_text("utf-8"))
            active, previous = state["active"], state["previous"]
            names = [_checked(name, _VERSION) for name in [active, *previous]]
            return Activations(names[0], tuple(names[1:]), tuple(state["log"]))
        except FileNotFoundError:
            return Activations()
        except (OSError, ValueError, KeyError, TypeError, SnapshotError) as error:
            raise SnapshotError(f"the record of the active snapshot cannot be read: {error}") from error

    def publish(self, draft: Draft, taking_over: TakingOver = nullcontext) -> Snapshot:
        """Write ``draft`` as a new version and make it the active one; old versions beyond ``keep`` go.

        Raises SnapshotError where a model's name cannot be a folder or the disk refuses; nothing half-written is used.
        What ``taking_over`` raises on being entered goes on to the caller, and the version goes.
        """
        names = [_checked(model.name, _MODEL) for model in draft.models]
        if len(set(names)) != len(names):
            raise SnapshotError(f"two models share a name: {', '.join(sorted(names))}")
        with self._sole_writer():
            version = self._next_version()
            try:
                self._write(version, draft)
            except (OSError, ModelError) as error:
                raise SnapshotError(f"snapshot {version} cannot be written: {error}") from error
            with ExitStack() as moment:
                try:
                    moment.enter_context(taking_over(version))
                except BaseException:
                    self._remove(version)
                    raise
                self._take_over(version, "publish")
            self._prune()
            return self.open(version)

    def activate(self, version: str) -> Snapshot:
        """Make the good ``version`` the active one. Raises SnapshotError where it is absent or damaged."""
        with self._sole_writer():
            snapshot = self.open(version)
            self._take_over(version, "activate")
            return snapshot

    def rollback(self) -> Snapshot:
        """Return to the last good version that was active before this one. Raises SnapshotError where there is none."""
        with self._sole_writer():
            state = self.activations()
            previous = list(state.previous)
            while previous:
                version = previous.pop()
                try:
                    snapshot = self.open(version)
                except SnapshotError as error:
                    log.warning("%s; rolling back further", error.message)
                    continue
                self._record(state.moved(version, tuple(previous), "rollback"))
                return snapshot
        raise SnapshotError(
            "there is no earlier snapshot to return to", hint="`kepu snapshots activate VERSION` chooses any other"
        )

    def _is_good(self, version: str) -> bool:
        try:
            self.open(version)
        except SnapshotError:
            return False
        return True

    def _folder(self, version: str) -> Path:
        return self.root / _checked(version, _VERSION)

    def _next_version(self) -> str:
        numbers = [_number(version) for version in self.versions()]
        try:
            state = self.activations()
            numbers += [_number(entry["version"]) for entry in state.log]
        except SnapshotError:
            log.warning("the record of the active snapshot cannot be read; it will be written anew")
        now = datetime.fromtimestamp(clock.now_ms() / 1000, clock.SHANGHAI)
        return f"{max(numbers, default=0) + 1:06d}-{now:%Y%m%dT%H%M%S}"

    def _write(self, version: str, draft: Draft) -> None:
        staging = self.root / f".staging-{version}"
        staging.mkdir()
        for model in draft.models:
            self._step(f"model {model.name}")
            base.save(model, staging / MODELS / model.name)
        self._step("items")
        (staging / ITEMS).write_text(json.dumps(list(draft.items), ensure_ascii=False), "utf-8")
        facts = {
            "version": version,
            "created_at": clock.now_ms(),
            "models": [model.name for model in draft.models],
            "facts": dict(draft.facts),
        }
        self._step("manifest")
        seal(staging, facts)
        sync_tree(staging, self._step)
        self._step("rename version")
        staging.rename(self.root / version)
        self._step("sync root")
        sync_tree(self.root, self._step, deep=False)

    def _take_over(self, version: str, how: str) -> None:
        try:
            state = self.activations()
        except SnapshotError:
            state = Activations()
        before = () if state.active in (None, version) else (state.active,)
        kept = tuple(name for name in (*state.previous, *before) if name != version)
        self._record(state.moved(version, kept[-ACTIVATIONS_KEPT:], how))

    def _record(self, state: Activations) -> None:
        text = json.dumps({"active": state.active, "previous": state.previous, "log": state.log}, indent=1)
        replace_file(self.root / ACTIVE, text, self._step)

    def _prune(self) -> None:
        """Remove what is beyond ``keep``, never the active version nor those down to which a rollback would go."""
        state = self.activations()
        protected = {state.active, *self.versions()[-self.keep :]}
        for version in reversed(state.previous):
            protected.add(version)
            if self._is_good(version):
                break
        for version in self.versions():
            if version not in protected:
                self._step(f"remove {version}")
                self._remove(version)

    def _remove(self, version: str) -> None:
        trash = self.root / f".trash-{version}"
        (self.root / version).rename(trash)
        shutil.rmtree(trash, ignore_errors=True)

    @contextmanager
    def _sole_writer(self) -> Iterator[None]:
        """Exclusive among threads and processes; clears away what a dead one left."""
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for pattern in (".staging-*", ".trash-*"):
                for left in self.root.glob(pattern):
                    shutil.rmtree(left, ignore_errors=True)
            yield
        finally:
            os.close(descriptor)


def store_of(settings: Settings) -> SnapshotStore:
    """The store in the data folder."""
    return SnapshotStore(settings.data_dir / "snapshots")


def _number(version: str) -> int:
    return int(version.partition("-")[0])


def _checked(name: Any, pattern: re.Pattern[str]) -> str:
    """``name`` where it has the expected form; anything else might be a path to somewhere else."""
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise SnapshotError(f"{name!r} is no name of ours", hint="`kepu snapshots list` shows the versions")
    return name
