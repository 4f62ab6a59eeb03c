"""How well copies are found, and different texts kept apart: ``python -m bench.dedup [--datasets DIR] [--half 1]``.

The articles and abstracts of ``KEPU_DATASETS`` are parted in two halves by a hash of their titles; constants were
chosen on half 0, and half 1 is what to report. All texts of the half are stored. Then seeded copies of some are looked
up (recall: the share whose original is named), and texts that are no copies of what is stored (joined wrongly: the
share for which a work is named all the same).
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.dedup_methods import Method, MinHash, Ours, Rensa, SimHash
from content_store.db import open_database
from content_store.settings import load_settings
from tests.support import copies
from tests.support.copies import Work

GROUPS = 40
"""of five texts, for each kind of texts that look alike."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--datasets", type=Path, default=load_settings().datasets)
    parser.add_argument("--half", type=int, choices=(0, 1), default=1)
    parser.add_argument("--copies", type=int, default=300, help="originals of each kind of which copies are made")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="only the methods that have this in their name")
    parser.add_argument("--show", action="store_true", help="print what was joined wrongly")
    args = parser.parse_args()
    shelf = Shelf.read(args.datasets, args.half, args.copies, args.seed)
    print(
        f"half {args.half}, seed {args.seed}: {len(shelf.works)} texts stored, {args.copies} originals of each kind\n"
    )
    with methods() as every:
        results = {m.name: measure(m, shelf, args) for m in every if args.only in m.name}
    _print(results)


@contextmanager
def methods() -> Iterator[list[Method]]:
    """All of them, empty."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(load_settings({"KEPU_DATABASE_URL": f"sqlite:///{folder}/records.sqlite3"}))
        with database.begin(bulk=True) as connection:
            yield [SimHash(3, verified=False), SimHash(7, verified=True), MinHash(), Rensa(), Ours(connection)]
        database.close()


class Shelf:
    """What is stored, of which texts copies are made, and groups of texts that must stay apart."""

    def __init__(self, articles: Sequence[Work], abstracts: Sequence[Work], number: int, seed: int) -> None:
        drawn = random.Random(seed)
        # What is put into frames must not be stored itself.
        framed = articles[::4], abstracts[::8]
        articles = [work for at, work in enumerate(articles) if at % 4]
        abstracts = [work for at, work in enumerate(abstracts) if at % 8]
        self.works = [*articles, *abstracts]
        short = [work for work in abstracts if 150 <= len(work.text) <= 300]
        kinds = {"articles": articles, "abstracts": abstracts, "short (150–300)": short}
        place = {id(work): at for at, work in enumerate(self.works)}
        self.originals = {
            kind: [place[id(work)] for work in drawn.sample(list(found), min(number, len(found)))]
            for kind, found in kinds.items()
        }
        self.apart = dict(_apart(*framed, drawn))
        self.seed = seed

    @classmethod
    def read(cls, datasets: Path, half: int, number: int, seed: int) -> Shelf:
        """The half of the real data."""

        def mine(works: Sequence[Work]) -> list[Work]:
            return [work for work in works if zlib.crc32(work.title.encode()) % 2 == half]

        articles = _distinct(mine(copies.articles(datasets)))
        abstracts = _distinct(mine(copies.abstracts(datasets)))
        return cls(articles, abstracts, number, seed)


def _distinct(works: Sequence[Work]) -> list[Work]:
    """Without those that the data themselves have twice: by their titles, or by how they begin or end."""
    seen: set[str] = set()
    made = []
    for work in works:
        words = "".join(filter(str.isalnum, work.text))
        keys = {key for key in (work.title, words[:30], words[-30:]) if key}
        if not keys & seen:
            made.append(work)
        seen |= keys
    return made


def _apart(
    articles: Sequence[Work], abstracts: Sequence[Work], drawn: random.Random
) -> Iterator[tuple[str, list[list[str]]]]:
    """Kinds of texts that look alike, in groups of which no two are the same work."""

    def bodies(works: Sequence[Work], longest: int = 100_000) -> list[str]:
        return [work.text[:longest] for work in drawn.sample(list(works), 5)]

    def frame() -> str:
        return "".join(work.text for work in drawn.sample(list(abstracts), 40))

    for share in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9):
        for kind, works, longest in ("articles", articles, 1500), ("abstracts", abstracts, 400):
            drawn_bodies = [bodies(works, longest) for _ in range(GROUPS)]
            yield f"{kind} in a frame of {share:.0%}", [copies.series(b, frame(), share) for b in drawn_bodies]
            yield f"{kind} above a footer of {share:.0%}", [copies.footed(b, frame(), share) for b in drawn_bodies]
            yield f"{kind} quoting {share:.0%}", [copies.carrying(b, frame(), share, drawn) for b in drawn_bodies]
    yield "bulletins", [copies.bulletins(5, drawn) for _ in range(GROUPS)]


def measure(method: Method, shelf: Shelf, args: argparse.Namespace) -> dict[str, tuple[int, int, int]]:
    """Of each class how many were asked, rightly answered and wrongly answered."""
    found: dict[str, tuple[int, int, int]] = {}
    wrong = []
    began = time.perf_counter()
    for at, work in enumerate(shelf.works):
        hit = method.find(work.title, work.text)
        if hit is not None:
            wrong.append((at, hit))
        method.add(f"w{at}", work.title, work.text)
    print(f"{method.name}: {len(shelf.works) / (time.perf_counter() - began):.0f} texts/s looked up and stored")
    for at, hit in wrong if args.show else ():
        print(f"  {hit}: {shelf.works[int(hit[1:])].title} | w{at}: {shelf.works[at].title}")
    found["apart: all that is stored"] = len(shelf.works), 0, len(wrong)
    for kind, places in shelf.originals.items():
        for name, edit in copies.EDITS.items():
            for other in (False, True):
                drawn = random.Random(f"{shelf.seed} {kind} {name}")
                hits: Counter[str] = Counter()
                for at in places:
                    work = shelf.works[at]
                    title = "热文：" + shelf.works[at - 7].title if other else work.title
                    hits[_judged(method.find(title, edit(work.text, drawn)), f"w{at}")] += 1
                row = f"{kind}: {name}" + (", title changed" if other else "")
                found[row] = len(places), hits["right"], hits["wrong"]
    for name, groups in shelf.apart.items():
        asked = joined = 0
        for group in groups:
            # The others may have been made of the same texts.
            method.clear()
            for at, text in enumerate(group):
                asked += at > 0
                joined += at > 0 and method.find(f"第 {at} 篇", text) is not None
                method.add(str(at), f"第 {at} 篇", text)
        found[f"apart: {name}"] = asked, 0, joined
    return found


def _judged(hit: str | None, wanted: str) -> str:
    return "none" if hit is None else "right" if hit == wanted else "wrong"


def _print(results: dict[str, dict[str, tuple[int, int, int]]]) -> None:
    names = list(results)
    print("\n| class | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for row in next(iter(results.values())):
        cells = []
        for name in names:
            asked, right, wrong = results[name][row]
            cells.append(
                f"{wrong / asked:.4f} ({wrong})"
                if row.startswith("apart")
                else f"{right / asked:.3f}" + (f" −{wrong}" if wrong else "")
            )
        print(f"| {row} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
