"""The rules of the ledger, without a database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store import ledger_rules
from content_store.errors import UnknownRule
from content_store.ledger_rules import CURRENT, RULES, Entry, Tally, shortfall
from content_store.lengths import WORD_LENGTH, length_of
from content_store.vocabulary import TOKEN_EXCLUSIONS, Exclusion, ServiceKind

AT = 1_735_704_000_000
ONE = RULES[1]

GOOD = Entry(
    source_id="r",
    citizen_id="李雷",
    object_id="熊猫",
    kind=ServiceKind.READ,
    day="2025-01-01",
    issued_at=AT,
    seen_at=AT + 30_000,
    dwell_ms=30_000,
    scroll=1.0,
    length=500,
    live=True,
    own=False,
    guest=True,
    device_key="d",
    network_key="n",
    rule=1,
    decided_at=AT,
    counted_as=None,
    reason=None,
)


def test_a_rule_that_was_in_force_says_what_it_always_said() -> None:
    assert (ONE.characters_per_minute, ONE.share, ONE.shortest_ms, ONE.longest_ms) == (500, 0.5, 15_000, 90_000)
    assert (ONE.scroll, ONE.per_citizen, ONE.per_device, ONE.per_network) == (0.5, 30, 30, 300)
    assert [rule.version for rule in RULES.values()] == list(RULES)
    assert CURRENT is RULES[max(RULES)]


def test_a_rule_that_never_was_is_an_error_that_names_the_others() -> None:
    assert ledger_rules.rule(1) is ONE
    with pytest.raises(UnknownRule) as caught:
        ledger_rules.rule(99)
    assert caught.value.hint == "there are: 1"


@pytest.mark.parametrize(
    ("length", "asked"), [(0, 15_000), (250, 15_000), (500, 30_000), (1_000, 60_000), (1_500, 90_000), (9_000, 90_000)]
)
def test_the_longer_a_text_the_longer_it_must_be_read_within_limits(length: int, asked: int) -> None:
    assert ONE.required_dwell_ms(length) == asked


@pytest.mark.parametrize(
    ("body", "length"),
    [
        (None, 0),
        ("", 0),
        ("熊猫吃竹子。", 5),
        ("　熊 猫\n吃,竹!子  ", 5),
        ("the panda eats", 3 * WORD_LENGTH),
        ("DNA双螺旋在1953年发现", 7 + 2 * WORD_LENGTH),
        ("\U00020000龥", 2),
    ],
)
def test_the_length_of_a_text_is_told_in_chinese_characters(body: str | None, length: int) -> None:
    assert length_of(body) == length


@given(parts=st.lists(st.sampled_from(["熊", "猫科", "DNA", "1953", "，", " ", "\n"]), max_size=30))
def test_the_length_is_that_of_its_signs_however_they_are_mixed(parts: list[str]) -> None:
    # Blanks between them, so that words which meet stay two.
    worth = {"熊": 1, "猫科": 2, "DNA": WORD_LENGTH, "1953": WORD_LENGTH}
    assert length_of(" ".join(parts)) == sum(worth.get(part, 0) for part in parts)


@pytest.mark.parametrize(
    ("lacking", "reason"),
    [
        ({}, None),
        ({"issued_at": None}, Exclusion.NO_TOKEN),
        ({"issued_at": None, "reason": Exclusion.FOREIGN_TOKEN}, Exclusion.FOREIGN_TOKEN),
        ({"issued_at": None, "reason": Exclusion.TOO_SHORT}, Exclusion.NO_TOKEN),
        ({"live": False}, Exclusion.NOT_PUBLISHED),
        ({"own": True}, Exclusion.OWN_CONTENT),
        ({"dwell_ms": 29_999}, Exclusion.TOO_SHORT),
        ({"dwell_ms": None}, Exclusion.TOO_SHORT),
        ({"seen_at": AT + 29_999, "dwell_ms": 10**9}, Exclusion.TOO_SHORT),
        ({"seen_at": AT - 1, "dwell_ms": 10**9}, Exclusion.TOO_SHORT),
        ({"scroll": 0.49}, Exclusion.NOT_SCROLLED),
        ({"scroll": None}, Exclusion.NOT_SCROLLED),
        ({"live": False, "dwell_ms": 1, "scroll": 0.0}, Exclusion.NOT_PUBLISHED),
        ({"kind": ServiceKind.OPENED, "issued_at": None, "dwell_ms": None, "scroll": None}, None),
        ({"kind": ServiceKind.OPENED, "live": False}, Exclusion.NOT_PUBLISHED),
    ],
    ids=str,
)
def test_the_first_thing_that_is_lacking_is_the_reason(lacking: dict[str, object], reason: Exclusion | None) -> None:
    assert shortfall(ONE, replace(GOOD, **lacking)) is reason  # type: ignore[arg-type]


def test_a_script_that_stays_twelve_seconds_counts_nothing() -> None:
    assert shortfall(ONE, replace(GOOD, length=0, dwell_ms=12_000)) is Exclusion.TOO_SHORT


@given(length=st.integers(0, 10**6), dwell=st.integers(0, 10**7), elapsed=st.integers(-(10**7), 10**7))
def test_no_more_dwell_counts_than_the_time_since_the_token_was_issued(length: int, dwell: int, elapsed: int) -> None:
    entry = replace(GOOD, length=length, dwell_ms=dwell, seen_at=AT + elapsed)
    assert 0 <= entry.counted_dwell_ms <= max(0, elapsed)
    if shortfall(ONE, entry) is None:
        assert elapsed >= ONE.shortest_ms


def _judge(tally: Tally, **other: object) -> Exclusion | None:
    return tally.judge(ONE, replace(GOOD, **other))  # type: ignore[arg-type]


def test_citizen_object_and_day_count_once_and_any_other_of_them_again() -> None:
    tally = Tally()
    assert _judge(tally) is None
    assert _judge(tally, source_id="again") is Exclusion.ALREADY_COUNTED
    assert _judge(tally, object_id="火箭") is None
    assert _judge(tally, day="2025-01-02") is None
    assert _judge(tally, citizen_id="韩梅梅") is None


@pytest.mark.parametrize("first", ServiceKind)
@pytest.mark.parametrize("second", ServiceKind)
def test_the_strongest_kind_of_a_day_is_kept_whichever_came_first(first: ServiceKind, second: ServiceKind) -> None:
    tally = Tally()
    assert _judge(tally, kind=first) is None
    assert _judge(tally, kind=second) is Exclusion.ALREADY_COUNTED
    strongest = ServiceKind.READ if ServiceKind.READ in (first, second) else ServiceKind.OPENED
    assert list(tally.keys.values()) == [strongest]


def test_a_citizen_has_a_cap_for_each_day() -> None:
    tally = Tally()
    verdicts = [_judge(tally, object_id=str(number), guest=False) for number in range(40)]
    assert verdicts == [None] * 30 + [Exclusion.CITIZEN_CAP] * 10
    assert _judge(tally, day="2025-01-02", guest=False) is None
    assert _judge(tally, object_id="3", guest=False) is Exclusion.ALREADY_COUNTED


def test_guests_of_a_device_share_a_cap_so_that_new_guests_gain_nothing() -> None:
    tally = Tally()
    verdicts = [_judge(tally, citizen_id=f"guest {number}", network_key=None) for number in range(40)]
    assert verdicts == [None] * 30 + [Exclusion.DEVICE_CAP] * 10
    assert _judge(tally, citizen_id="other device", device_key="e") is None
    assert _judge(tally, citizen_id="with account", guest=False) is None


def test_guests_of_a_network_share_a_cap_so_that_new_devices_gain_nothing() -> None:
    tally = Tally()
    verdicts = [_judge(tally, citizen_id=f"g{number}", device_key=f"d{number}") for number in range(310)]
    assert verdicts == [None] * 300 + [Exclusion.NETWORK_CAP] * 10


def test_what_a_cap_turned_away_uses_up_no_other_cap() -> None:
    tally = Tally()
    for number in range(40):
        _judge(tally, citizen_id=f"guest {number}")
    assert sorted(tally.shared.values()) == [30, 30]
    assert sum(tally.citizens.values()) == 30


def test_a_device_and_a_network_of_one_name_are_two_things() -> None:
    tally = Tally()
    for number in range(30):
        assert _judge(tally, citizen_id=f"guest {number}", device_key="x", network_key="x") is None
    assert _judge(tally, citizen_id="one more", device_key="y", network_key="x") is None


def test_every_exclusion_has_its_sentence_and_those_of_tokens_their_error() -> None:
    assert len({exclusion.label for exclusion in Exclusion}) == len(Exclusion)
    assert {exclusion.value for exclusion in TOKEN_EXCLUSIONS} == {
        "no_token",
        "bad_token",
        "foreign_token",
        "token_expired",
    }
