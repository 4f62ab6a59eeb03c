"""Views of the fast layer's arrays for single entries, which they read and write several times as fast."""

from __future__ import annotations

from typing import Any


class Views:
    """The arrays of ``live`` (a ``Live``) by their names; to be made anew whenever one of them is replaced."""

    def __init__(self, live: Any) -> None:
        def view(values: Any) -> memoryview[Any]:
            return memoryview(values)

        self.topic = view(live.static.topic)
        # Per item.
        self.born, self.first, self.last = view(live.born), view(live.first), view(live.last)
        self.readers, self.engaged, self.engaged_at = view(live.readers), view(live.engaged), view(live.engaged_at)
        # Per citizen.
        self.seen_at, self.region, self.device = view(live.seen_at), view(live.region), view(live.device)
        # Per place in the log.
        self.place_region, self.place_device = view(live.place_region), view(live.place_device)
        self.place_age, self.place_share = view(live.place_age), view(live.place_share)
        self.place_read, self.place_newest = view(live.place_read), view(live.place_newest)
