"""``kepu evaluate``: how good the order is, by the protocols replay, split and cold."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from content_store.errors import EvaluationError
from recsys.evaluation import cold, replay, split

FILE = click.Path(path_type=Path, dir_okay=False)
PROTOCOLS = ("replay", "split", "cold")


@click.command()
@click.option("--protocol", type=click.Choice(PROTOCOLS), required=True)
@click.option("--events", type=FILE, help="replay: the reading log (user, item, ts in ms, event).")
@click.option("--items", type=FILE, help="replay, cold: what is known of the items.")
@click.option(
    "--from", "start", type=float, default=0.6, show_default=True, help="replay: share of the log learnt from."
)
@click.option("--sample", type=click.IntRange(min=1), help="replay: how many targets to draw; all by default.")
@click.option("--models", help="replay: names to measure, separated by commas; all by default.")
@click.option("--train", type=FILE, help="split, cold: pairs to learn from (user, item).")
@click.option("--test", type=FILE, help="split, cold: pairs to predict.")
@click.option("--text", help="cold: text columns to use, separated by commas; all present by default.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--json", "out", type=FILE, help="Write the whole report to this file.")
def evaluate(protocol: str, seed: int, out: Path | None, **given: Any) -> None:
    """Measure the models by a protocol; two people with the same files get the same numbers."""
    if out is not None and not out.absolute().parent.is_dir():
        raise EvaluationError(f"{out} cannot be written: its folder does not exist")
    report = _PROTOCOLS[protocol](seed, **given)
    if out is not None:
        out.write_text(json.dumps(report, ensure_ascii=False, indent=1), "utf-8")
    for line in table(report):
        click.echo(line)


def _replay(seed: int, **given: Any) -> dict[str, Any]:
    _need("replay", given, "events")
    chosen = _names(given["models"])
    return replay.run(
        given["events"],
        given["items"],
        start=given["start"],
        sample=given["sample"],
        models=chosen,
        seed=seed,
        progress=_tell,
    )


def _split(seed: int, **given: Any) -> dict[str, Any]:
    _need("split", given, "train", "test")
    arguments = {"train": str(given["train"]), "test": str(given["test"]), "seed": seed}
    return {"args": arguments} | split.run(given["train"], given["test"], seed=seed, progress=_tell)


def _cold(seed: int, **given: Any) -> dict[str, Any]:
    _need("cold", given, "train", "test", "items")
    return cold.run(
        given["train"], given["test"], given["items"], text=_names(given["text"]), seed=seed, progress=_tell
    )


_PROTOCOLS: dict[str, Callable[..., dict[str, Any]]] = {"replay": _replay, "split": _split, "cold": _cold}


def _need(protocol: str, given: dict[str, Any], *names: str) -> None:
    missing = [f"--{name}" for name in names if given[name] is None]
    if missing:
        raise EvaluationError(f"the {protocol} protocol needs {' and '.join(missing)}")


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _tell(step: str) -> None:
    """One line that is rewritten on a terminal, a line each elsewhere."""
    click.echo(f"\r\x1b[K· {step}" if sys.stderr.isatty() else f"· {step}", err=True, nl=not sys.stderr.isatty())


def table(report: dict[str, Any]) -> list[str]:
    """The report as a person reads it."""
    ratios = report["ratio_to_best_single"]
    lines = [
        f"{report['protocol']}: {report['n']:,} measured; the best single signal is {report['best_single']}",
        f"repeat_share {report['repeat_share']:.4f}  unseen_share {report['unseen_share']:.4f}",
    ]
    for name, metrics in report["models"].items():
        shown = "  ".join(f"{metric} {_shown(value)}" for metric, value in metrics.items())
        ratio = f"  × {_shown(ratios[name])}" if name in ratios else ""
        lines.append(f"{name:14s} {shown}{ratio}")
    return lines


def _shown(value: dict[str, float | None]) -> str:
    interval = "" if value["lo"] is None else f" [{value['lo']:.4f} {value['hi']:.4f}]"
    return f"{value['value']:.4f}{interval}"
