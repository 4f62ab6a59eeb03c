"""The clock inside of a serving process, so that where one process is all there is, what is due is done too."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from enum import StrEnum

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from content_store import facts, jobs
from content_store.db import Database
from content_store.errors import DatabaseError
from content_store.settings import Settings
from content_store.vocabulary import ServeJobs
from push.jobs.table import table
from push.scheduler import Scheduler

log = logging.getLogger(__name__)

GRACE_S = 10.0
"""How long a job that was begun may take to end when the server is stopped; then it goes back."""


class Clocked(StrEnum):
    """How the clock of this process stands; ``OFF`` where other processes work, or nobody shall."""

    OK = "ok"
    OFF = "off"
    STOPPED = "stopped"


class Clockwork:
    """The jobs of ``database`` as ``settings`` want them, begun by ``start``."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._table = table(settings, facts=facts)
        self._scheduler: Scheduler | None = None

    def start(self) -> bool:
        """Begin, where the settings want it; whether they do. To be called in the process that works, once."""
        settings = self._settings
        if not (settings.embedded if settings.serve_jobs is ServeJobs.AUTO else settings.serve_jobs is ServeJobs.ON):
            return False
        self._scheduler = Scheduler(self._database, self._table, lease_s=settings.lease_s)
        self._scheduler.start()
        return True

    def stop(self) -> None:
        """Take on nothing more and give back what does not end in time; safe to repeat."""
        if self._scheduler is not None:
            self._scheduler.stop(GRACE_S)

    @property
    def state(self) -> Clocked:
        """Whether it works."""
        if self._scheduler is None:
            return Clocked.OFF
        return Clocked.OK if self._scheduler.at_work else Clocked.STOPPED

    def collect(self) -> Iterator[Metric]:
        """For Prometheus: whether the clock works here, and what the records say of the jobs, whoever did them."""
        yield GaugeMetricFamily("kepu_clock_at_work", "1 where jobs are done here.", value=self.state is Clocked.OK)
        done = GaugeMetricFamily("kepu_job_done_timestamp_seconds", "When it last ended well.", labels=["job"])
        dead = GaugeMetricFamily("kepu_job_dead", "Due times that were given up.", labels=["job"])
        try:
            with self._database.connect() as connection:
                for name, standing in jobs.standings(connection, [job.name for job in self._table]).items():
                    dead.add_metric([name], standing.dead)
                    if standing.done_at is not None:
                        done.add_metric([name], standing.done_at / 1000)
        except DatabaseError as error:
            log.warning("the metrics tell nothing of the jobs: %s", error.message)
            return
        yield from (done, dead)

    def describe(self) -> Iterator[Metric]:
        """Nothing in advance: the records need not answer yet."""
        return iter(())
