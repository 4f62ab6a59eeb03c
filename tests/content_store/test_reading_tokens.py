"""Reading tokens: they prove one reading and nothing else."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store import ids, reading_tokens
from content_store.errors import BadReadingToken, ForeignReadingToken, ReadingTokenError, ReadingTokenExpired
from content_store.reading_tokens import LENGTH, LIFETIME_MS, Reading

KEY = bytes(range(32))
AT = 1_735_704_000_000

names = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable())


def _issue(citizen: str = "李雷", content: str = "熊猫", at: int = AT, key: bytes = KEY) -> str:
    return reading_tokens.issue(key, citizen_id=citizen, content_id=content, issued_at=at)


def _verify(
    token: str, *, reading: str | None = None, citizen: str = "李雷", content: str = "熊猫", now: int = AT
) -> Reading:
    reading = reading_tokens.reading_id(token) if reading is None else reading
    return reading_tokens.verify(KEY, token, reading_id=reading, citizen_id=citizen, content_id=content, now_ms=now)


@given(citizen=names, content=names, at=st.integers(0, 2**48))
def test_a_token_proves_its_own_reading_and_when_it_was_issued(citizen: str, content: str, at: int) -> None:
    token = _issue(citizen, content, at)
    reading = reading_tokens.reading_id(token)
    assert _verify(token, citizen=citizen, content=content, now=at) == Reading(reading, at)


def test_each_token_is_for_a_new_reading_with_an_id_that_sorts_by_time(fixed_clock: int) -> None:
    readings = [reading_tokens.reading_id(_issue()) for _ in range(100)]
    assert len(set(readings)) == 100
    assert readings == sorted(readings)
    assert {ids.made_at_ms(reading) for reading in readings} == {fixed_clock}


def test_it_is_short_text_that_needs_no_quoting_in_a_url() -> None:
    token = _issue("市" * 200, "文" * 200)
    assert len(token) == LENGTH
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")


def test_without_a_time_it_is_issued_and_checked_now(fixed_clock: int) -> None:
    token = reading_tokens.issue(KEY, citizen_id="李雷", content_id="熊猫")
    reading = reading_tokens.reading_id(token)
    found = reading_tokens.verify(KEY, token, reading_id=reading, citizen_id="李雷", content_id="熊猫")
    assert found.issued_at == fixed_clock


@given(bit=st.integers(0, 57 * 8 - 1))
def test_a_token_with_any_bit_flipped_is_refused(bit: int) -> None:
    token = _issue()
    data = bytearray(base64.urlsafe_b64decode(token))
    data[bit // 8] ^= 1 << bit % 8
    altered = base64.urlsafe_b64encode(bytes(data)).decode()
    with pytest.raises(BadReadingToken):
        _verify(altered, reading=reading_tokens.reading_id(token))


@given(place=st.integers(0, LENGTH - 1), sign=st.characters())
def test_a_token_with_any_character_changed_is_refused(place: int, sign: str) -> None:
    token = _issue()
    altered = token[:place] + sign + token[place + 1 :]
    if altered == token:
        return
    with pytest.raises(BadReadingToken):
        _verify(altered, reading=reading_tokens.reading_id(token))


@given(text=st.text(max_size=100) | st.text(alphabet=string.ascii_letters + "-_=+/ \n", min_size=76, max_size=76))
def test_any_other_text_is_no_token(text: str) -> None:
    with pytest.raises(BadReadingToken):
        _verify(text, reading="x")
    with pytest.raises(BadReadingToken):
        reading_tokens.verify(
            KEY, (text or "x") + _issue(), reading_id="x", citizen_id="李雷", content_id="熊猫", now_ms=AT
        )


def test_signs_that_a_lenient_decoder_would_pass_over_or_take_for_others_are_refused() -> None:
    token = next(token for token in iter(_issue, None) if "-" in token and "_" in token)
    reading = reading_tokens.reading_id(token)
    for altered in (token.replace("-", "+"), token.replace("_", "/"), token[:-1] + "\n", f" {token[1:]}", token + "="):
        with pytest.raises(BadReadingToken):
            _verify(altered, reading=reading)


def test_a_token_of_another_key_is_refused() -> None:
    token = _issue(key=bytes(32))
    with pytest.raises(BadReadingToken):
        _verify(token)


@pytest.mark.parametrize(
    "other",
    [{"citizen": "韩梅梅"}, {"content": "火箭"}, {"reading": "0190a7b8-0000-7000-8000-000000000000"}],
    ids=lambda other: next(iter(other)),
)
def test_a_token_says_nothing_about_another_reading(other: dict[str, str]) -> None:
    with pytest.raises(ForeignReadingToken):
        _verify(_issue(), **other)  # type: ignore[arg-type]


def test_citizen_and_content_are_told_apart_where_their_names_meet() -> None:
    with pytest.raises(ForeignReadingToken):
        _verify(_issue("ab", "c"), citizen="a", content="bc")


def test_the_id_of_a_reading_has_one_spelling() -> None:
    token = _issue()
    with pytest.raises(ForeignReadingToken):
        _verify(token, reading=reading_tokens.reading_id(token).upper())


def test_a_token_lives_as_long_as_it_should_and_no_longer() -> None:
    token = _issue()
    assert _verify(token, now=AT + LIFETIME_MS).issued_at == AT
    with pytest.raises(ReadingTokenExpired):
        _verify(token, now=AT + LIFETIME_MS + 1)


def test_a_token_of_a_server_whose_clock_runs_ahead_is_no_mistake() -> None:
    assert _verify(_issue(), now=AT - 2_000).issued_at == AT


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        _issue(key=b"short")


def test_every_refusal_is_an_error_of_the_one_kind_with_its_code() -> None:
    kinds = (BadReadingToken, ForeignReadingToken, ReadingTokenExpired)
    assert all(issubclass(kind, ReadingTokenError) for kind in kinds)
    assert [kind.code for kind in kinds] == ["bad_token", "foreign_token", "token_expired"]
