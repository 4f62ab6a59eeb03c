"""What a serving process holds open, in one object that every handler is given."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, fields

from flask import Flask, current_app

from content_store import hot, secret_key
from content_store.cards import Cards
from content_store.db import Database, open_database
from content_store.exposure_log import ExposureLog
from content_store.hot import Hot
from content_store.intake import Intake
from content_store.settings import Settings
from recsys.follower import FOLDER
from recsys.snapshots import SnapshotStore
from web.clockwork import Clockwork
from web.metrics import Metrics
from web.openings import Openings
from web.recommender import Recommender

_EXTENSION = "kepu"


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys that this server signs with, one for each purpose."""

    cookie: bytes
    bearer: bytes
    form: bytes
    reading: bytes
    network: bytes
    device: bytes

    @classmethod
    def of(cls, secret: secret_key.SecretKey) -> SigningKeys:
        """All of them, derived from the secret of the installation."""
        return cls(*(secret.derive(field.name) for field in fields(cls)))


@dataclass(frozen=True, slots=True)
class Services:
    """The records and the roads into them, hot state, snapshots, keys, metrics, the recommender, and the clock.

    The clock stands still until whoever serves lets it begin.
    """

    settings: Settings
    database: Database
    hot: Hot
    snapshots: SnapshotStore
    keys: SigningKeys
    intake: Intake
    openings: Openings
    exposures: ExposureLog
    metrics: Metrics
    recommender: Recommender
    clockwork: Clockwork
    cards: Cards

    @classmethod
    def open(cls, settings: Settings) -> Services:
        """All that ``settings`` name; Redis need not answer yet.

        Raises SettingsError, DatabaseError or HotStateError where one of them cannot be used at all.
        """
        keys = SigningKeys.of(secret_key.load(settings))
        with ExitStack() as undo:
            opened = hot.open_hot(settings)
            undo.callback(opened.close)
            database = open_database(settings)
            undo.callback(database.close)
            snapshots = SnapshotStore(settings.data_dir / "snapshots")
            recommender = Recommender.start(database, snapshots, opened, settings.data_dir / FOLDER)
            undo.pop_all()
        intake, exposures = Intake(database, keys.reading), ExposureLog(database)
        clockwork = Clockwork(settings, database)
        metrics = Metrics(opened, exposures, clockwork)
        return cls(
            settings,
            database,
            opened,
            snapshots,
            keys,
            intake,
            Openings(intake),
            exposures,
            metrics,
            recommender,
            clockwork,
            Cards(),
        )

    def close(self) -> None:
        """Give everything back, once what was opened and shown is stored."""
        self.clockwork.stop()
        self.openings.close()
        self.exposures.close()
        self.recommender.close()
        self.hot.close()
        self.database.close()


def provide(app: Flask, services: Services) -> None:
    """Let ``app`` work with ``services``."""
    app.extensions[_EXTENSION] = services


def services_of(app: Flask) -> Services:
    """The services of ``app``."""
    services = app.extensions[_EXTENSION]
    assert isinstance(services, Services)
    return services


def current() -> Services:
    """The services of the app that answers the request at hand."""
    return services_of(current_app)
