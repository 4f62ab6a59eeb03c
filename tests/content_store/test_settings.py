"""Settings: strict, explained, and honest about where a value came from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store import settings as table
from content_store.errors import SettingsError
from content_store.schedule import Schedule
from content_store.settings import Settings, environment, explain, load_settings, mask, names

SECRET = "s3cr3t-of-mine"


def test_without_any_variable_everything_has_a_usable_default() -> None:
    settings = load_settings({})
    assert settings.database_url == f"sqlite:///{settings.data_dir / 'kepu.sqlite3'}"
    assert settings.redis_url is None
    assert settings.datasets.name == "shared"
    assert settings.clock_offset_s == 0


def test_defaults_lie_beside_the_checkout_wherever_it_is_called_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_settings({})
    monkeypatch.chdir(tmp_path)
    assert load_settings({}) == before


def test_without_a_checkout_defaults_lie_beside_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "SOURCE", tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert (settings.data_dir, settings.datasets) == (tmp_path / "var", tmp_path.parent / "shared")


def test_a_relative_folder_is_seen_from_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings({"KEPU_DATA_DIR": "here/../there"}).data_dir == tmp_path / "there"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_settings({}).data_dir = Path("/")  # type: ignore[misc]


def test_variables_of_others_are_no_concern_of_ours() -> None:
    assert load_settings({"PATH": "/bin", "kepu_data_dir": "x", "KEPUX": "y"}) == load_settings({})


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [
        ("KEPU_DATABSE_URL", "KEPU_DATABASE_URL"),
        ("KEPU_DATADIR", "KEPU_DATA_DIR"),
        ("KEPU_REDIS", "KEPU_REDIS_URL"),
        ("KEPU_REDIS_URL_FIEL", "KEPU_REDIS_URL_FILE"),
        ("KEPU_data_dir", "KEPU_"),
        ("KEPU_", "KEPU_"),
    ],
)
def test_an_unknown_name_stops_with_the_nearest_known_one(unknown: str, nearest: str) -> None:
    with pytest.raises(SettingsError, match=f"unknown setting {unknown}; the nearest known one is {nearest}"):
        load_settings({unknown: "x"})


@given(st.text(st.characters(codec="ascii", categories=["Lu", "Nd"], include_characters="_"), max_size=30))
def test_any_name_of_ours_is_either_known_or_refused_with_a_known_one(rest: str) -> None:
    key = f"KEPU_{rest}"
    known = {*names(), *(f"{name}_FILE" for name in names())}
    if key not in known:
        with pytest.raises(SettingsError) as caught:
            load_settings({key: ""})
        assert caught.value.message.rpartition(" ")[2] in known


def test_an_empty_value_counts_as_not_given() -> None:
    assert load_settings({"KEPU_REDIS_URL": "", "KEPU_DATA_DIR": "  ", "KEPU_REDIS_URL_FILE": ""}) == load_settings({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEPU_DATABASE_URL", "mysql://x/y"),
        ("KEPU_DATABASE_URL", "kepu.sqlite3"),
        ("KEPU_DATABASE_URL", "sqlite://"),
        ("KEPU_DATABASE_URL", "sqlite:///"),
        ("KEPU_DATABASE_URL", "sqlite:///:memory:"),
        ("KEPU_REDIS_URL", "localhost:6379"),
        ("KEPU_CLOCK_OFFSET_S", "soon"),
        ("KEPU_CLOCK_OFFSET_S", "nan"),
        ("KEPU_CLOCK_OFFSET_S", "inf"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        load_settings({name: value})
    assert caught.value.hint


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"KEPU_DATABASE_URL": f"mysql://kepu:{SECRET}@db/kepu"})
    assert SECRET not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_means_the_one_driver(scheme: str) -> None:
    settings = load_settings({"KEPU_DATABASE_URL": f"{scheme}://u@h/d"})
    assert settings.database_url == "postgresql+psycopg://u@h/d"


def test_a_value_is_read_from_the_file_that_the_twin_names(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("redis://cache:6379/1\n", "utf-8")
    assert load_settings({"KEPU_REDIS_URL_FILE": str(path)}).redis_url == "redis://cache:6379/1"


def test_a_value_given_both_ways_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("redis://a", "utf-8")
    with pytest.raises(SettingsError, match="KEPU_REDIS_URL and KEPU_REDIS_URL_FILE are both given"):
        load_settings({"KEPU_REDIS_URL": "redis://a", "KEPU_REDIS_URL_FILE": str(path)})


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"\xff\xfe\x00", b"redis://a\nredis://b", b"redis://a\x00", b"r" * 100_000, "不是地址".encode()],
    ids=["empty", "blank", "not text", "two lines", "zero byte", "too long", "not a url"],
)
def test_garbage_in_a_file_is_refused_by_the_twins_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "url"
    path.write_bytes(data)
    with pytest.raises(SettingsError, match="KEPU_REDIS_URL_FILE"):
        load_settings({"KEPU_REDIS_URL_FILE": str(path)})


def test_a_file_that_is_absent_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(SettingsError, match=r"KEPU_REDIS_URL_FILE: .* cannot be read"):
            load_settings({"KEPU_REDIS_URL_FILE": str(path)})


@given(st.binary(max_size=200))
def test_any_file_gives_a_setting_or_our_own_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "value"
    path.write_bytes(data)
    try:
        settings = load_settings({"KEPU_CLOCK_OFFSET_S_FILE": str(path)})
    except SettingsError:
        return
    assert isinstance(settings.clock_offset_s, float)


def test_the_explanation_tells_value_origin_and_meaning_of_each(tmp_path: Path) -> None:
    path = tmp_path / "offset"
    path.write_text("60", "utf-8")
    rows = {row.name: row for row in explain({"KEPU_DATA_DIR": "/srv/kepu", "KEPU_CLOCK_OFFSET_S_FILE": str(path)})}
    assert list(rows) == names()
    assert (rows["KEPU_DATA_DIR"].value, rows["KEPU_DATA_DIR"].origin) == ("/srv/kepu", "KEPU_DATA_DIR")
    assert rows["KEPU_CLOCK_OFFSET_S"].origin == f"KEPU_CLOCK_OFFSET_S_FILE ({path})"
    assert rows["KEPU_DATASETS"].origin == "default"
    assert all(row.meaning and row.default for row in rows.values())


def test_the_explanation_hides_passwords() -> None:
    env = {
        "KEPU_DATABASE_URL": f"postgresql://kepu:{SECRET}@db/kepu?sslpassword={SECRET}",
        "KEPU_REDIS_URL": f"redis://:{SECRET}@cache",
    }
    assert SECRET not in str(explain(env))


@given(st.text(st.characters(codec="ascii", exclude_characters="/?#@", exclude_categories=["Cc", "Zs"]), min_size=4))
def test_no_password_survives_masking(password: str) -> None:
    assert mask(f"redis://user:{password}@host:1/0") == "redis://user:***@host:1/0"


def test_every_field_is_a_row_of_the_table() -> None:
    assert names() == [f"KEPU_{field.name.upper()}" for field in dataclasses.fields(Settings)]


def test_schedules_are_read_and_told_as_they_are_written() -> None:
    settings = load_settings({"KEPU_RETRAIN_SCHEDULE": "every 6h", "KEPU_FACTS_SCHEDULE": "off"})
    assert (settings.retrain_schedule, settings.facts_schedule.offsets_ms) == (Schedule(6 * 3_600_000, (0,)), ())
    told = {row.name: row for row in explain({"KEPU_RETRAIN_SCHEDULE": "every 6h"})}
    assert told["KEPU_RETRAIN_SCHEDULE"].value == "every 6h"
    assert told["KEPU_RETRAIN_SCHEDULE"].default == "03:30"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("KEPU_RETRAIN_SCHEDULE", "every 7h", "divide a day"),
        ("KEPU_PUBLISH_SCHEDULE", "often", "times of the day"),
        ("KEPU_RETENTION_DAYS", "179", "between 180"),
        ("KEPU_RETENTION_DAYS", "half a year", "invalid literal"),
        ("KEPU_LEASE_S", "0.1", "between 0.5"),
        ("KEPU_LEASE_S", "nan", "finite"),
    ],
)
def test_a_schedule_or_a_term_that_cannot_be_is_refused(name: str, text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        load_settings({name: text})
    assert name in caught.value.message


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "KEPU_DATA_DIR": st.sampled_from(["/srv/科普 数据", "/a%b"]),
            "KEPU_DATABASE_URL": st.sampled_from(["postgresql://u:p@h/d", "sqlite:////srv/x.sqlite3"]),
            "KEPU_REDIS_URL": st.just("redis://:s@h/1"),
            "KEPU_CLOCK_OFFSET_S": st.floats(-1e9, 1e9).map(repr),
            "KEPU_RETRAIN_SCHEDULE": st.sampled_from(["03:30", "9:05,21:00", "every 90m", "off"]),
            "KEPU_LEASE_S": st.floats(0.5, 3600).map(repr),
            "KEPU_RETENTION_DAYS": st.integers(180, 400).map(str),
        },
    )
)
def test_another_process_is_given_the_same_settings(env: dict[str, str]) -> None:
    settings = load_settings(env)
    assert load_settings(environment(settings)) == settings


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("KEPU_FETCH_CONTACT", "a b", "ASCII"),
        ("KEPU_FETCH_CONTACT", "https://kepu.example/\\r", "ASCII"),
        ("KEPU_FETCH_CONTACT", "科普", "ASCII"),
        ("KEPU_FETCH_NAMED_HOSTS", "http://a.test/", "no host"),
        ("KEPU_FETCH_NAMED_HOSTS", "a.test:0", "no port"),
        ("KEPU_FETCH_NAMED_HOSTS", "::1", "no host"),
        ("KEPU_FETCH_NAMED_HOSTS", "10.0.0.0/8", "no host"),
        ("KEPU_FETCH_PORTS", "80,", "no port"),
        ("KEPU_FETCH_PORTS", "65536", "no port"),
        ("KEPU_FETCH_PORTS", "-1", "no port"),
        ("KEPU_FETCH_TIMEOUT_S", "0.5", "between"),
        ("KEPU_FETCH_TIMEOUT_S", "nan", "finite"),
        ("KEPU_FETCH_MOST_MB", "0", "between"),
        ("KEPU_FEED_LEAST_MINUTES", "0", "between"),
        ("KEPU_FEED_LEAST_MINUTES", "1441", "at least 1441"),
        ("KEPU_FEED_MOST_MINUTES", "29", "at most 29"),
        ("KEPU_FEED_MOST_MINUTES", "10081", "between"),
    ],
)
def test_what_fetching_cannot_work_with_is_refused(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load_settings({name: value})


def test_the_settings_of_fetching_are_the_same_for_a_process_of_ours() -> None:
    given = {
        "KEPU_FETCH_CONTACT": "mailto:kepu@example.org",
        "KEPU_FETCH_NAMED_HOSTS": "b.test, A.test:8080,[::1]",
        "KEPU_FETCH_PORTS": "443, 80",
    }
    settings = load_settings(given)
    assert (settings.fetch_named_hosts, settings.fetch_ports) == ("[::1],a.test:8080,b.test", "80,443")
    assert load_settings(environment(settings)) == settings
