"""How the server's processes log: one line each, to standard error."""

from __future__ import annotations

import logging


def begin() -> None:
    """Log from INFO on; of migrations and of the ticks of the clock only what is out of order."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("alembic", "apscheduler"):
        logging.getLogger(name).setLevel(logging.WARNING)
