"""How a row of the table of settings is found in the environment: its name, its text or that of its file, its value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from content_store.errors import SettingsError

PREFIX = "KEPU_"
FILE_SUFFIX = "_FILE"
_LONGEST_FILE = 64 * 1024


def name_of(row: Any) -> str:
    """The variable of a field of ``Settings``."""
    return PREFIX + str(row.name).upper()


def refuse_unknown(env: Mapping[str, str], names: Iterable[str]) -> None:
    """Raise SettingsError for a variable of ours that is none of ``names`` nor the ``_FILE`` twin of one."""
    known = [name + suffix for name in names for suffix in ("", FILE_SUFFIX)]
    for key in sorted(env):
        if not key.startswith(PREFIX) or key in known:
            continue
        nearest = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
        raise SettingsError(
            f"unknown setting {key}; the nearest known one is {nearest}",
            hint="unset it or correct its name; `kepu settings` lists them all",
        )


def given(row: Any, env: Mapping[str, str]) -> tuple[str, str]:
    """The text given for a setting and its origin; an empty text where none is."""
    name = name_of(row)
    direct, path = env.get(name, "").strip(), env.get(name + FILE_SUFFIX, "").strip()
    if direct and path:
        raise SettingsError(f"{name} and {name}{FILE_SUFFIX} are both given", hint="unset one of the two")
    if not path:
        return direct, name
    text = _read(name + FILE_SUFFIX, path)
    if not text:
        raise SettingsError(f"{name}{FILE_SUFFIX}: {path} is empty", hint="write the value into the file")
    return text, f"{name}{FILE_SUFFIX} ({path})"


def _read(name: str, path: str) -> str:
    hint = "the file must hold the value alone, as UTF-8 text on one line"
    try:
        with Path(path).expanduser().open("rb") as file:
            data = file.read(_LONGEST_FILE + 1)
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name}: {path} is not UTF-8 text", hint=hint) from error
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{name}: {path} cannot be read: {reason}", hint=hint) from error
    if len(data) > _LONGEST_FILE or any(ord(sign) < 32 for sign in text):
        raise SettingsError(f"{name}: {path} does not hold one line of text", hint=hint)
    return text


def parse(row: Any, text: str, origin: str) -> Any:
    """The value that ``text`` gives. Raises SettingsError, with what the setting means, where it gives none."""
    try:
        return row.metadata["parse"](text)
    except (ValueError, RuntimeError) as error:
        shown = "" if row.metadata["secret"] else f" {text!r}"
        raise SettingsError(f"{origin}:{shown} cannot be used: {error}", hint=row.metadata["meaning"]) from error
