"""Counts the tests that really ran on each backend, and with ``CI=true`` insists that each had some.

A test says by ``@pytest.mark.backend("redis")`` that it needs one; the fixtures of ``conftest`` mark theirs. Where
several processes share the tests, the one that gathers their reports counts.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.support.ci import in_ci

BACKENDS = ("sqlite", "postgresql", "redis", "chromium")


_ran: pytest.StashKey[Counter[str]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known and the counts empty."""
    config.addinivalue_line("markers", "backend(name): the test runs on this backend")
    config.stash[_ran] = Counter()
    config.pluginmanager.register(_Counting(config.stash[_ran]), "backends counting")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Note in the report, which may go to another process, which backends the test ran on."""
    report = yield
    report.backends = sorted({str(mark.args[0]) for mark in item.iter_markers("backend")})
    return report


class _Counting:
    """Counts a test once its own body has passed or failed; one that was skipped did not run."""

    def __init__(self, ran: Counter[str]) -> None:
        self._ran = ran

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.outcome != "skipped":
            self._ran.update(getattr(report, "backends", ()))


def absent(config: pytest.Config) -> list[str]:
    """The backends without a test, where the whole suite was asked for and CI demands them all."""
    narrowing = ("keyword", "markexpr", "lf", "collectonly", "deselect", "ignore", "ignore_glob")
    narrowed = any(config.getoption(name, default=None) for name in narrowing)
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS and not narrowed
    # One of several processes has its share of the tests only.
    judges = in_ci() and whole and not hasattr(config, "workerinput")
    return [name for name in BACKENDS if not config.stash[_ran][name]] if judges else []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run where a backend had no test."""
    if absent(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell how many tests ran on each backend."""
    ran = config.stash[_ran]
    terminalreporter.section("tests per backend")
    terminalreporter.line(", ".join(f"{name} {ran[name]}" for name in (*BACKENDS, *sorted(set(ran) - set(BACKENDS)))))
    for name in absent(config):
        terminalreporter.line(f"FAILED: no test ran on {name}", red=True)
