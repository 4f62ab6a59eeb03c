"""``popular``: decayed counts, whatever the order in which reads arrive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.models.base import load, save
from recsys.models.popular import HALF_LIVES, Popular

NOW = 473_000.0
READS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 100_000)), max_size=30)


def popular_of(reads: list[tuple[int, float]], items: int = 5) -> Popular:
    model = Popular(items)
    for item, hour in reads:
        model.update(item, hour)
    return model


@settings(max_examples=100)
@given(READS)
def test_mass_is_the_decayed_sum_in_whatever_order_the_reads_come(rows: list[tuple[int, int]]) -> None:
    reads = [(item, NOW - minutes / 60) for item, minutes in rows]
    model = popular_of(reads)
    table = model.table(NOW, np.arange(5))
    for name, half_life in HALF_LIVES.items():
        plain = np.zeros(5)
        for item, hour in reads:
            plain[item] += 0.5 ** ((NOW - hour) / half_life)
        np.testing.assert_allclose(model.score(name, NOW), plain, rtol=1e-9, atol=1e-300)
        np.testing.assert_allclose(table[model.row[name]], plain, rtol=1e-9, atol=1e-300)
        np.testing.assert_allclose(model.totals(NOW)[model.row[name]], plain.sum(), rtol=1e-9, atol=1e-300)
        for item in range(5):
            share = plain[item] / (plain.sum() + 1)
            np.testing.assert_allclose(model.share(name, item, NOW), share, rtol=1e-9, atol=1e-300)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**16), most=st.integers(1, 60), shut=st.floats(0, 1))
def test_leaders_are_the_open_items_of_the_largest_masses_whenever_asked(seed: int, most: int, shut: float) -> None:
    random = np.random.default_rng(seed)
    model, hour, items = Popular(900), NOW, 900
    for _ in range(6):
        for item in (random.zipf(1.2, random.integers(0, 900)) % items).tolist():
            hour += random.random() * 0.2
            model.update(item, hour)
        open_items = random.random(items) >= shut
        for name in ("1h", "1d", "7d"):  # of which no mass here is so small that it counts as none
            marked = np.zeros(items, bool)
            model.mark_leading({name: most}, open_items, marked)
            mass = np.where(open_items, model.score(name, hour)[:items], 0.0)
            assert marked.sum() == min(most, np.count_nonzero(mass))
            assert not marked[mass == 0].any()
            assert mass[marked].min(initial=np.inf) >= mass[~marked].max(initial=0.0)
        if random.random() < 0.3:
            items += 40
            model.grow(items)


@settings(max_examples=60)
@given(READS, st.sets(st.integers(0, 30)))
def test_sums_do_not_depend_on_when_they_are_asked_for(rows: list[tuple[int, int]], asked: set[int]) -> None:
    reads = [(item, NOW - minutes / 60) for item, minutes in rows]
    never = popular_of(reads)
    often = popular_of([])
    for place, (item, hour) in enumerate(reads):
        often.update(item, hour)
        if place in asked:
            often.totals(NOW)
    for name in HALF_LIVES:
        assert often.score(name, NOW).tolist() == never.score(name, NOW).tolist()
    assert often.totals(NOW).tolist() == never.totals(NOW).tolist()


def test_equal_reads_tie_whatever_happened_between_them() -> None:
    model = popular_of([])
    for hour in np.arange(0, 4000, 7.3):
        model.update(0, NOW + hour)
        model.totals(NOW + hour)
        model.update(3, NOW + hour)
        model.update(1, NOW + hour + 0.1)
    for name in HALF_LIVES:
        score = model.score(name, NOW + 4000)
        assert score[0] == score[3]


def test_an_hour_long_before_the_reads_gives_numbers() -> None:
    model = popular_of([(0, NOW), (1, NOW - 90_000)])
    for hour in (NOW - 1, NOW - 5000, NOW - 90_000, 0.0):
        assert np.isfinite(model.table(hour, np.arange(5))).all()
        assert np.isfinite(model.totals(hour)).all()
        assert 0 <= model.share("30m", 0, hour) < 1


def test_a_read_halves_with_each_half_life() -> None:
    model = popular_of([(2, NOW)])
    assert model.score("1d", NOW).tolist() == [0, 0, 1, 0, 0]
    assert model.score("1d", NOW + 24).tolist() == [0, 0, 0.5, 0, 0]
    assert model.score("6h", NOW + 24, np.array([2])).tolist() == [0.0625]


def test_very_old_reads_are_nothing_and_tie() -> None:
    model = popular_of([(0, NOW), (0, NOW), (1, NOW)])
    assert model.score("6m", NOW + 1000).tolist() == [0] * 5


def test_it_grows_with_the_catalogue() -> None:
    model = popular_of([(0, NOW)], items=1)
    model.grow(4000)
    model.update(3999, NOW)
    found = model.score("7d", NOW)
    assert (found[0], found[3999], found.sum()) == (1, 1, 2)


def test_a_restored_model_scores_alike_and_goes_on(tmp_path: Path) -> None:
    model = popular_of([(item % 5, NOW + item * 0.3) for item in range(40)])
    model.update(2, NOW + 13)  # counted, though nothing has been asked since
    save(model, tmp_path / "kept")
    restored = load(Popular, tmp_path / "kept")
    assert restored.share("30m", 2, NOW + 13) == model.share("30m", 2, NOW + 13) > 0
    for each in (model, restored):
        each.update(1, NOW + 50)
    for name in HALF_LIVES:
        assert restored.score(name, NOW + 60).tolist() == model.score(name, NOW + 60).tolist()
    assert restored.totals(NOW + 60).tolist() == model.totals(NOW + 60).tolist()


def test_half_lives_of_ones_own_are_kept(tmp_path: Path) -> None:
    model = Popular(2, {"2h": 2.0})
    model.update(1, NOW)
    save(model, tmp_path / "kept")
    assert load(Popular, tmp_path / "kept").score("2h", NOW + 2).tolist() == [0, 0.5]
