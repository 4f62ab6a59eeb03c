"""The secret of an installation: one for all its processes, readable by nobody else."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from content_store import secret_key
from content_store.errors import SettingsError
from content_store.settings import Settings, load_settings


def test_the_secret_of_the_settings_comes_first(settings_factory: Callable[..., Settings]) -> None:
    given = settings_factory(secret_key="k" * 32)
    assert secret_key.load(given).derive("cookie") == secret_key.load(given).derive("cookie")
    assert not (given.data_dir / secret_key.FILE).exists()
    assert secret_key.load(settings_factory(secret_key="j" * 32)).derive("cookie") != secret_key.load(given).derive(
        "cookie"
    )


def test_a_secret_is_made_once_and_kept_for_its_owner_alone(settings_factory: Callable[..., Settings]) -> None:
    settings = settings_factory()
    first = secret_key.load(settings).derive("cookie")
    path = settings.data_dir / secret_key.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret_key.load(settings).derive("cookie") == first
    assert [entry.name for entry in settings.data_dir.iterdir()] == [secret_key.FILE]


def test_two_folders_have_two_secrets(tmp_path: Path) -> None:
    made = [load_settings({"KEPU_DATA_DIR": str(tmp_path / name)}) for name in "ab"]
    assert len({secret_key.load(settings).derive("cookie") for settings in made}) == 2


def test_each_purpose_has_a_key_of_its_own(settings_factory: Callable[..., Settings]) -> None:
    secret = secret_key.load(settings_factory())
    derived = [secret.derive(purpose) for purpose in ("cookie", "bearer", "reading")]
    assert len(set(derived)) == 3
    assert {len(key) for key in derived} == {32}


def test_the_secret_is_not_shown(settings_factory: Callable[..., Settings]) -> None:
    settings = settings_factory(secret_key="geheim" * 6)
    assert "geheim" not in repr(secret_key.load(settings)) + repr(settings)


def test_processes_that_begin_at_once_agree(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(_derived, [str(tmp_path / "data")] * 16, chunksize=1)
    assert len(set(found)) == 1


def _derived(folder: str) -> bytes:
    return secret_key.load(load_settings({"KEPU_DATA_DIR": folder})).derive("cookie")


def test_one_who_comes_second_takes_the_secret_that_is_there(
    settings_factory: Callable[..., Settings],
) -> None:
    settings = settings_factory()
    first = secret_key.load(settings).derive("cookie")
    secret_key._make(settings.data_dir / secret_key.FILE)
    assert secret_key.load(settings).derive("cookie") == first
    assert [entry.name for entry in settings.data_dir.iterdir()] == [secret_key.FILE]


@pytest.mark.parametrize("content", [b"", b"\n", b"short\n"])
def test_a_damaged_secret_is_told_and_left_alone(settings_factory: Callable[..., Settings], content: bytes) -> None:
    settings = settings_factory()
    secret_key.load(settings)
    path = settings.data_dir / secret_key.FILE
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="damaged"):
        secret_key.load(settings)
    assert path.read_bytes() == content


def test_a_secret_that_others_may_read_is_refused(settings_factory: Callable[..., Settings]) -> None:
    settings = settings_factory()
    secret_key.load(settings)
    (settings.data_dir / secret_key.FILE).chmod(0o640)
    with pytest.raises(SettingsError, match="may be read by others"):
        secret_key.load(settings)


def test_a_folder_that_cannot_hold_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be used"):
        secret_key.load(load_settings({"KEPU_DATA_DIR": str(tmp_path / "file" / "data")}))


def test_a_short_secret_is_refused_without_being_repeated() -> None:
    with pytest.raises(SettingsError, match="at least 32") as caught:
        load_settings({"KEPU_SECRET_KEY": "geheim"})
    assert "geheim" not in caught.value.message
