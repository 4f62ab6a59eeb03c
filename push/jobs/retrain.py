"""Trains the models anew, in a process of its own (``push.training``).

So the memory and the processor time of a training are not those of the process that serves, and a training that is
killed or runs out of memory takes nothing with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from content_store.errors import ModelError
from content_store.jobs import Claim
from content_store.setting_reading import PREFIX
from content_store.settings import Settings, checkout, environment
from push.jobs.base import Job, Lane, Missed
from push.run import Run

BACKOFF_S = (600, 3_600, 21_600)
_COMMAND = (sys.executable, "-P", "-m", "push.training")
_LOOK_S = 0.2


def job(settings: Settings) -> Job:
    """The row of the table."""

    def work(run: Run) -> None:
        with _training(settings, run.claim) as child:
            while child.poll() is None:
                run.check()
                run.pause(_LOOK_S)
            assert child.stdout is not None
            said = child.stdout.read().strip()
        if child.returncode:
            raise ModelError(said or f"the training ended with code {child.returncode}")
        run.note, run.finished = said, True

    return Job(
        name="retrain",
        schedule=settings.retrain_schedule,
        missed=Missed.NEWEST,
        work=work,
        lane=Lane.LONG,
        backoff_s=BACKOFF_S,
    )


@contextmanager
def _training(settings: Settings, claim: Claim) -> Iterator[subprocess.Popen[str]]:
    """The process that trains; killed where it has not ended by itself."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    if checkout():  # where it may not have been installed
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(checkout()), os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True) as child:
        assert child.stdin is not None
        try:
            # It stays open: its end tells the child that we are gone.
            child.stdin.write(json.dumps({"settings": environment(settings), "claim": asdict(claim)}) + "\n")
            child.stdin.flush()
            yield child
        finally:
            child.kill()
