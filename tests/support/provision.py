"""Get what the tests need and Python packages do not bring; run by ``./kepu test`` before pytest.

As root it is installed with apt-get, otherwise the one command to run is printed. Never fails: what is still missing
then is skipped by the tests, or fails them with ``CI=true``.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import sys

from tests.support.chromium import chromium_program, has_chinese_font
from tests.support.servers import postgres_programs, redis_program


def needed() -> list[str]:
    """The Debian packages for what is missing."""
    packages = []
    if postgres_programs() is None:
        packages.append("postgresql")
    if redis_program() is None:
        packages.append("redis-server")
    if chromium_program() is None:
        packages.append("chromium")
    if not has_chinese_font():
        packages.append("fonts-noto-cjk")
    try:
        ctypes.CDLL("libgomp.so.1" if sys.platform == "linux" else None)
    except OSError:
        packages.append("libgomp1")
    return packages


def install(packages: list[str]) -> bool:
    """Install Debian packages; tells how it went."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        print(f"kepu test: apt-get {shlex.join(command)}", file=sys.stderr, flush=True)
        done = subprocess.run(
            ["apt-get", "-q", *command], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        # A failed update may still leave usable lists.
        if done.returncode and command[0] == "install":
            print(done.stderr.decode(errors="replace"), file=sys.stderr)
            return False
    return True


def main() -> None:
    """Install what is missing, or say how."""
    packages = needed()
    if not packages:
        return
    if shutil.which("apt-get") is None:
        print(f"kepu test: missing (Debian's names): {' '.join(packages)}", file=sys.stderr)
        print("  install them with this system's package manager; tests that need them are skipped", file=sys.stderr)
    elif os.geteuid() or not install(packages):
        names = " ".join(packages)
        print(f"kepu test: missing: {names}; tests that need them are skipped. To install:", file=sys.stderr)
        print(f"  sudo sh -c 'apt-get update && apt-get install -y {names}'", file=sys.stderr)


if __name__ == "__main__":
    main()
