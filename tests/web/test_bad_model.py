"""A deliberately bad model: kept out by the gate, forced in, seen in the feed, and taken back by one command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from flask import Flask

from content_store import clock, keys
from content_store.db import open_database
from content_store.settings import Settings
from recsys import refit
from recsys.models.base import Model
from recsys.models.ranker import Ranker
from recsys.training import Builder, Material
from tests.support.clockwork import until
from tests.support.served_log import ServedLog, quick_ranker
from tests.web.conftest import Service, opened
from web.cli import main

READERS = [f"u{number:03d}" for number in range(0, 100, 9)]


def upside_down() -> Builder:
    """The ranker as it is learnt, with every leaf of its trees turned to its opposite: the worst comes first."""
    honest = quick_ranker()

    def fit(material: Material, before: Mapping[str, Model]) -> Ranker:
        ranker = honest.fit(material, before)
        assert isinstance(ranker, Ranker)
        trees = ranker.arrays()["trees"].tobytes().decode()
        turned = re.sub(r"^leaf_value=(.*)$", _opposite, trees, flags=re.MULTILINE)
        turned = re.sub(r"^tree_sizes=.*\n", "", turned, flags=re.MULTILINE)  # no longer right, and not needed
        return Ranker.restore(ranker.config(), {"trees": np.frombuffer(turned.encode(), np.uint8)})

    return Builder(Ranker, fit, refit=False)


def _opposite(line: re.Match[str]) -> str:
    return "leaf_value=" + " ".join(repr(-float(value)) for value in line[1].split())


@pytest.fixture
def now() -> Iterator[int]:
    """The clock stands still a moment after the log's last row."""
    at = int(ServedLog.generated().rows["ts"].iloc[-1]) + 1
    with clock.fixed(at):
        yield at


@pytest.fixture
def kepu(
    now: int, profile: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """``kepu("train")``: exit code and output of a command, over the records of a log."""
    settings, log = profile(), ServedLog.generated()
    monkeypatch.setenv("KEPU_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("KEPU_DATABASE_URL", settings.database_url)
    database = open_database(settings)
    log.publish(database)
    log.store(database, 0, len(log.rows))
    database.close()

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        assert isinstance(ended.value.code, int)
        return ended.value.code, capsys.readouterr().out

    return run


def active(out: str) -> str:
    """The version that a command says is active now."""
    found = re.search(r"active: (\d{6}-\d{8}T\d{6})", out)
    assert found, out
    return found[1]


def lists(service: Service) -> dict[str, list[tuple[str, Any]]]:
    """Page one of every reader: content and reason of each place."""
    told = {}
    for citizen in READERS:
        page = service.client.get("/api/v1/feed", headers=service.headers(citizen)).get_json()
        told[citizen] = [(item["id"], item["reason"]) for item in page["items"]]
    return told


def serving(service: Service) -> set[str]:
    """The snapshot that the pages, and that the metrics name."""
    page = service.client.get("/api/v1/feed", headers=service.headers(READERS[0])).get_json()
    told = re.findall(r'kepu_serving_snapshot{version="([^"]+)"} 1.0', service.client.get("/metrics").text)
    return {page["snapshot"], *told}


# Snapshots are files, whatever the records are kept in.
@pytest.mark.parametrize("profile", [pytest.param("embedded", marks=pytest.mark.backend("sqlite"))], indirect=True)
def test_a_bad_model_is_refused_and_forced_in_it_is_gone_again_by_one_command(
    kepu: Callable[..., tuple[int, str]], make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refit, "ranker_builder", quick_ranker)
    code, out = kepu("train")
    assert code == 0, out
    good = active(out)

    app = make_app(rate_per_citizen=0, rate_per_network=0)
    service = _service(app)
    opened(app).recommender.feed._dice = lambda: None
    before = lists(service)
    assert serving(service) == {good}

    monkeypatch.setattr(refit, "ranker_builder", upside_down)
    code, out = kepu("train")
    assert code == 1
    assert "not published: the gate refused" in out
    assert re.search(r"gate: ndcg@10 0\.0\d+ < 95% of 0\.[3-9]\d+, that of the best signal, newest", out), out
    assert re.search(
        rf"gate: ndcg@10 ÷ best signal 0\.0\d+ < 95% of 1\.\d+, that of the active snapshot {good}", out
    ), out
    opened(app).recommender.models.refresh()
    assert lists(service) == before

    code, out = kepu("train", "--force", "let us see")
    bad = active(out)
    until(lambda: serving(service) == {bad}, "the forced snapshot to serve")
    worse = lists(service)
    assert all(worse[citizen] != before[citizen] for citizen in READERS)
    assert f"* {bad}" in kepu("snapshots", "list")[1]
    assert "forced: let us see" in kepu("snapshots", "list")[1]

    assert active(kepu("snapshots", "rollback")[1]) == good
    until(lambda: serving(service) == {good}, "the former snapshot to serve")
    assert lists(service) == before


def _service(app: Flask) -> Service:
    with opened(app).database.begin() as connection:
        key, token = keys.create(connection, role="service")
    return Service(app.test_client(use_cookies=False), key, token)
