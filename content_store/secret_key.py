"""The secret that cookies and tokens are signed with: given by a setting, or made once for the data folder.

Each purpose signs with a key of its own that is derived from it, so that no token of one kind passes for another.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from content_store.errors import SettingsError
from content_store.settings import SHORTEST_SECRET, Settings

FILE = "secret_key"
_HINT = "set KEPU_SECRET_KEY, or remove the file: a new one is made and all who are signed in are signed out"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """The secret; it is never shown."""

    _value: bytes = field(repr=False)

    def derive(self, purpose: str) -> bytes:
        """The key (32 bytes) for ``purpose``, the same in every process and after every start."""
        return hmac.digest(self._value, b"kepu/1/" + purpose.encode(), "sha256")


def load(settings: Settings) -> SecretKey:
    """The secret of ``settings``; where they give none, that of the data folder, made if there is none yet.

    Of many processes that begin at once one makes the file and all read it. Raises SettingsError where the file cannot
    be made or read, is damaged, or may be read by others.
    """
    if settings.secret_key:
        return SecretKey(settings.secret_key.encode())
    path = settings.data_dir / FILE
    try:
        if not path.exists():
            _make(path)
        return SecretKey(_read(path))
    except OSError as error:
        raise SettingsError(f"the secret key {path} cannot be used: {error.strerror}", hint=_HINT) from error


def _make(path: Path) -> None:
    """Write a new secret beside ``path`` and link it there, unless another process was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{FILE}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a renaming, never takes the place of what is there.
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(f"the secret key {path} may be read by others", hint=f"chmod 600 {path}")
        secret = file.read(64 * 1024).strip()
    if len(secret) < SHORTEST_SECRET:
        raise SettingsError(f"the secret key {path} is damaged", hint=_HINT)
    return secret
