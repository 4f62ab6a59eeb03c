"""Metrics in Prometheus' format, in a registry of their own for each app."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Iterator
from typing import Protocol

from flask import Flask, Request, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric

from content_store.exposure_log import ExposureLog
from content_store.hot import Hot
from web.clockwork import Clockwork

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24)
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
_UNMATCHED = "unmatched"


class Metrics:
    """Counters and histograms of one process; others may add their own to ``registry``."""

    def __init__(self, hot: Hot, exposures: ExposureLog, clockwork: Clockwork) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(_HotFigures(hot))
        self.registry.register(_Impressions(exposures))
        self.registry.register(clockwork)
        self.requests = Counter(
            "kepu_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "kepu_http_request_seconds",
            "Seconds from a whole request to a whole answer.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.without_hot = Counter(
            "kepu_without_hot_state", "What was done without hot state, by use.", ["use"], registry=self.registry
        )
        self.limited = Counter(
            "kepu_rate_limited", "Requests turned away, by whose rate was exceeded.", ["whose"], registry=self.registry
        )
        self.feed_seconds = Histogram(
            "kepu_feed_seconds",
            "Seconds that a page of the feed took to make, by its place in the feed.",
            ["page"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.feed_fallbacks = Counter(
            "kepu_feed_fallbacks", "What pages of the feed had to do without.", ["name"], registry=self.registry
        )

    def tell_snapshot(self, models: Serving) -> None:
        """Let the page name the snapshot that ``models`` serve with."""
        self.registry.register(_ServingSnapshot(models))

    def page(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)


class Serving(Protocol):
    """What knows the version of the snapshot in service; None without one."""

    @property
    def version(self) -> str | None: ...


class _ServingSnapshot:
    """Which snapshot serves, as a label of a gauge that is 1; no sample where none does."""

    def __init__(self, models: Serving) -> None:
        self._models = models

    def collect(self) -> Iterator[Metric]:
        """The gauge."""
        gauge = GaugeMetricFamily("kepu_serving_snapshot", "The snapshot that serves.", labels=["version"])
        if (version := self._models.version) is not None:
            gauge.add_metric([version], 1)
        yield gauge


class _HotFigures:
    """What the hot state tells of itself, asked for when the metrics are."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot

    def collect(self) -> Iterator[Metric]:
        """One gauge per figure."""
        for name, value in self._hot.figures().items():
            gauge = GaugeMetricFamily(f"kepu_hot_{name}", f"Hot state: {re.sub('_', ' ', name)}.")
            gauge.add_metric([], value)
            yield gauge

    def describe(self) -> Iterator[Metric]:
        """Nothing in advance: the figures differ with the kind of hot state."""
        return iter(())


class _Impressions:
    """What became of the impressions of this process, asked for when the metrics are."""

    def __init__(self, exposures: ExposureLog) -> None:
        self._exposures = exposures

    def collect(self) -> Iterator[Metric]:
        """Logged, waiting and dropped ones."""
        logged, waiting, dropped = self._exposures.figures()
        yield CounterMetricFamily("kepu_impressions_logged", "Impressions that are in the records.", value=logged)
        yield GaugeMetricFamily("kepu_impressions_waiting", "Impressions that are still to be logged.", value=waiting)
        lost = CounterMetricFamily(
            "kepu_impressions_dropped", "Impressions that are lost, by reason.", labels=["reason"]
        )
        for reason, number in dropped.items():
            lost.add_metric([reason.value], number)
        yield lost

    def describe(self) -> Iterator[Metric]:
        """The same, which costs nothing."""
        return self.collect()


def install(app: Flask, metrics: Metrics) -> None:
    """Count every request of ``app`` by its route's template, never by its path: there are too many paths."""

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    # Looking labels up costs more than counting; there are few routes, methods and statuses.
    @functools.cache
    def of(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        return metrics.requests.labels(method, route, str(status)), metrics.seconds.labels(method, route)

    @app.after_request
    def end(response: Response) -> Response:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]
        route = asked.url_rule.rule if asked.url_rule else _UNMATCHED
        method = asked.method if asked.method in _METHODS else "OTHER"
        requests, seconds = of(method, route, response.status_code)
        requests.inc()
        if "begun" in g:
            seconds.observe(time.perf_counter() - g.begun)
        return response
