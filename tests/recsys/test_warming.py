"""What a page of the feed runs is compiled before the first one is asked for."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import numpy as np
from recsys import kernels, selection
from recsys.features import kernels as of_table, walking
from recsys.features.signals import moment
from recsys.live import Live, Static
from recsys.live_state import arrays_of, live_of
from recsys.ranking import Ranking
from recsys.reasons import reasons
from recsys.warming import warm

def compiled():
    found = [vars(module).items() for module in (kernels, selection, of_table, walking)]
    return {name: list(loop.signatures) for items in found for name, loop in items if hasattr(loop, "signatures")}

warm()
before = compiled()
live = Live(Static.unknown(30), 3)
for reader in range(40):
    for item in range(20):
        live.update(reader, (item * 7 + reader) % 30, 450_000.0 + item, 1, reader % 2, 0)
for state in (live, live_of(arrays_of(live))):
    for hour in (450_020.0, 450_020.0001):
        ranked = Ranking(state).rank(2, hour)
        reasons(state, moment(state, 2, hour), ranked.items)
        state.update(2, 29, hour, 1, 0, 0)
late = [name for name, signatures in compiled().items() if signatures != before[name]]
print("late", late, "ranked", ranked.items.size)
"""


def test_after_the_warming_a_ranking_compiles_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.startswith("late [] ranked "), done.stdout
    assert int(done.stdout.split()[-1]) > 5
