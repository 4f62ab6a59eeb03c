"""Files that tell whether they are whole: a manifest with the checksum of every file beside it, and of itself."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from content_store.errors import SnapshotError

MANIFEST = "manifest.json"
FORMAT = 1
_CHUNK = 1 << 20


def seal(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the manifest of ``folder``: ``facts``, size and SHA-256 of every file, and the SHA-256 of all that."""
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": _digest(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = {**facts, "format": FORMAT, "files": files}
    manifest["sha256"] = _own_digest(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True), "utf-8")
    return manifest


def read_sealed(folder: Path) -> dict[str, Any]:
    """The manifest of ``folder``. Raises SnapshotError where it is missing, cut short or altered."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SnapshotError(f"snapshot {folder.name}: the manifest cannot be read: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("sha256") != _own_digest(manifest):
        raise SnapshotError(f"snapshot {folder.name}: the manifest does not match its checksum")
    if manifest.get("format") != FORMAT:
        raise SnapshotError(f"snapshot {folder.name}: format {manifest.get('format')} is not known")
    return manifest


def verify(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Raises SnapshotError where a file of ``manifest`` is missing, elsewhere, or not what was written."""
    for name, expected in manifest["files"].items():
        path = folder / name
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or path.resolve() != folder.resolve() / name:
            raise SnapshotError(f"snapshot {folder.name}: {name} leads out of it")
        try:
            whole = path.stat().st_size == expected["bytes"] and _digest(path) == expected["sha256"]
        except OSError as error:
            raise SnapshotError(f"snapshot {folder.name}: {name} cannot be read: {error}") from error
        if not whole:
            raise SnapshotError(f"snapshot {folder.name}: {name} does not match its checksum")


def replace_file(path: Path, text: str, on_step: Callable[[str], None]) -> None:
    """Give ``path`` the content ``text`` in one durable step: after a power cut it holds the old or the new one."""
    fresh = path.with_name(f".{path.name}.new")
    on_step(f"write {path.name}")
    fresh.write_text(text, "utf-8")
    _sync(fresh)
    on_step(f"replace {path.name}")
    fresh.replace(path)
    on_step(f"sync after {path.name}")
    _sync(path.parent)


def sync_tree(folder: Path, on_step: Callable[[str], None], *, deep: bool = True) -> None:
    """Make everything in ``folder`` durable (fsync), files before the folders that name them."""
    below = sorted(folder.rglob("*"), key=lambda path: -len(path.parts)) if deep else []
    for path in [*below, folder]:
        on_step(f"sync {path.name}")
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _own_digest(manifest: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
