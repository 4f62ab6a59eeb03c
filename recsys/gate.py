"""The gate before publication: a candidate that would serve citizens worse than today is not published.

Two comparisons, each with a margin for what is mere noise between two trainings:

- with the best simple signal (newest, popular at some half-life) on the same tail: a pipeline that loses clearly to
  counting readings is broken, whatever else it says;
- with the active snapshot. Where that one had been fitted before the tail began, both are measured on the same tail.
  Otherwise it has seen the answers, and what is compared is how far each was ahead of its own best simple signal.
"""

from __future__ import annotations

from dataclasses import dataclass

from recsys.evaluation.holdout import Measured


@dataclass(frozen=True, slots=True)
class Margins:
    """How much worse a candidate may be, as a share: 0.05 lets 95 % of the other's figure pass.

    ``single`` suits the quick look, whose fixed blend is not what citizens are served: on three real logs (a busy site,
    news, a quiet catalogue) it stood at .58 to 1.4 of the best signal, so that less than half means something broken.
    An evaluator that measures the served ranking deserves 0.
    """

    active: float = 0.05
    single: float = 0.5

    def __post_init__(self) -> None:
        """Raises ValueError where a margin is no share."""
        if not (0 <= self.active < 1 and 0 <= self.single < 1):
            raise ValueError("a margin is a share from 0 to below 1")


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The active snapshot as far as it can be compared: measured on the same tail, or else by its recorded ratio."""

    version: str
    measured: Measured | None = None
    recorded_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the candidate may be published, and a sentence for each comparison."""

    passed: bool
    reasons: tuple[str, ...]


def judge(candidate: Measured, incumbent: Incumbent | None, margins: Margins) -> Verdict:
    """Compare ``candidate`` with the simple signals and with ``incumbent`` (None: nothing is active)."""
    if not candidate.n:
        return Verdict(False, ("nothing in the newest readings could be predicted, so the models cannot be judged",))
    checks = [_against_single(candidate, margins.single)]
    if incumbent is not None:
        checks.append(_against_active(candidate, incumbent, margins.active))
    return Verdict(all(passed for passed, _ in checks), tuple(text for _, text in checks))


def _against_single(candidate: Measured, margin: float) -> tuple[bool, str]:
    best = candidate.best_single
    if not best:
        return True, "there is no simple signal to compare with"
    return _compare(candidate.metric, candidate.served, candidate.singles[best], margin, f"the best signal, {best},")


def _against_active(candidate: Measured, incumbent: Incumbent, margin: float) -> tuple[bool, str]:
    name = f"the active snapshot {incumbent.version}"
    if incumbent.measured is not None:
        return _compare(candidate.metric, candidate.served, incumbent.measured.served, margin, name)
    if incumbent.recorded_ratio is None or candidate.ratio is None:
        return True, f"{name} cannot be compared with: it saw the newest readings and left no ratio"
    what = f"{candidate.metric} ÷ best signal"
    return _compare(what, candidate.ratio, incumbent.recorded_ratio, margin, name)


def _compare(what: str, value: float, other: float, margin: float, name: str) -> tuple[bool, str]:
    passed = value >= other * (1 - margin)
    sign = "≥" if passed else "<"
    return passed, f"{what} {value:.4f} {sign} {1 - margin:.0%} of {other:.4f}, that of {name.rstrip(',')}"
