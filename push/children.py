"""Jobs that are done in a process of their own: what starts it, and what it is at heart.

So the memory and the processor time of long work are not those of the process that serves, and work that is killed or
runs out of memory takes nothing with it. The child reads one line of JSON from its standard input, what to do, and
writes one line, what came of it. It ends when that input does: with its parent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from content_store import clock
from content_store.db import Database, open_database
from content_store.errors import KepuError
from content_store.jobs import Claim
from content_store.setting_reading import PREFIX
from content_store.settings import Settings, checkout, environment, load_settings
from push.run import Run

_STARTED = (sys.executable, "-P", "-m")
_LOOK_S = 0.2
_NICE = 5

Work = Callable[[Database, Settings, Claim], str]
"""Does what a claim gives the right to, ends the occurrence and returns the note that is kept with it."""


def have_done(run: Run, module: str, settings: Settings, failure: type[KepuError]) -> None:
    """Let a process of ``module`` do the work and end the occurrence. Raises ``failure`` with what it says."""
    with _child(module, settings, run.claim) as child:
        while child.poll() is None:
            run.check()
            run.pause(_LOOK_S)
        assert child.stdout is not None
        said = child.stdout.read().strip()
    if child.returncode:
        raise failure(said or f"{module} ended with code {child.returncode}")
    run.note, run.finished = said, True


def main(work: Work) -> int:
    """In the child: do what the first line of the input says; returns the exit code."""
    given = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(_NICE)
    settings = load_settings(given["settings"])
    clock.set_offset(settings.clock_offset_s)
    try:
        database = open_database(settings)
        try:
            said, code = work(database, settings, Claim(**given["claim"])), 0
        finally:
            database.close()
    except KepuError as error:
        said, code = error.message, 1
    except Exception as error:
        traceback.print_exc()
        said, code = f"{type(error).__name__}: {error}", 1
    sys.stdout.write(" ".join(said.split()) + "\n")
    return code


def _end_with_parent() -> None:
    # Not through sys.stdin, whose lock the end of the interpreter would wait for.
    while os.read(0, 1024):
        pass
    os._exit(1)


@contextmanager
def _child(module: str, settings: Settings, claim: Claim) -> Iterator[subprocess.Popen[str]]:
    """The process; killed where it has not ended by itself."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    if checkout():  # where it may not have been installed
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(checkout()), os.environ.get("PYTHONPATH")]))
    command = (*_STARTED, module)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True) as child:
        assert child.stdin is not None
        try:
            # It stays open: its end tells the child that we are gone.
            child.stdin.write(json.dumps({"settings": environment(settings), "claim": asdict(claim)}) + "\n")
            child.stdin.flush()
            yield child
        finally:
            child.kill()
