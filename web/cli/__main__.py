"""``python -m web.cli``: the same as ``kepu``."""

from web.cli import main

if __name__ == "__main__":
    main()
