"""Passwords: which are taken, and that what is stored is as costly to guess as it should be."""

from __future__ import annotations

from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from hypothesis import given
from hypothesis import strategies as st

from content_store import passwords
from content_store.errors import WeakPassword


def test_a_password_is_stored_with_the_parameters_of_rfc_9106() -> None:
    hashed = (
        passwords.chosen("竹海听风的第七天", login="wang")
        if False
        else passwords.chosen("竹海听风看熊猫吃竹子", login="wang")
    )
    found = extract_parameters(hashed.text)
    assert (found.type, found.version) == (Type.ID, 19)
    assert (found.time_cost, found.memory_cost, found.parallelism) == (3, 64 * 1024, 4)
    assert (found.salt_len, found.hash_len) == (16, 32)
    assert passwords.verify(hashed.text, "竹海听风看熊猫吃竹子")
    assert not passwords.verify(hashed.text, "竹海听风看熊猫吃竹叶")
    assert not passwords.outdated(hashed.text)


@pytest.mark.usefixtures("cheap_passwords")
def test_the_same_password_is_never_stored_as_the_same_text() -> None:
    first, second = (passwords.chosen("竹海听风看熊猫吃竹子", login="wang") for _ in range(2))
    assert first.text != second.text
    assert "$" not in repr(first)


@pytest.mark.usefixtures("cheap_passwords")
def test_full_width_letters_are_the_same_password() -> None:
    hashed = passwords.chosen("Ｔｉａｎｆｕ－７３蓉城", login="wang")
    assert passwords.verify(hashed.text, "Tianfu-73蓉城")


@pytest.mark.usefixtures("cheap_passwords")
def test_what_was_hashed_at_another_cost_is_outdated(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = passwords.chosen("竹海听风看熊猫吃竹子", login="wang")
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    assert passwords.outdated(hashed.text)
    assert passwords.verify(hashed.text, "竹海听风看熊猫吃竹子")
    assert not passwords.outdated(passwords.again("竹海听风看熊猫吃竹子", temporary=False).text)


@pytest.mark.parametrize(
    "password",
    [
        "short-9",
        "九个汉字太短了一点",
        "x" * 1025,
        "aaaaaaaaaaaa",
        "ababababababab",
        "abcabcabcabca",
        "12345678901",
        "13800138000",
        "1987060512",
        "qwertyuiop",
        "poiuytrewq",
        "1qaz2wsx3edc",
        "abcdefghijkl",
        "zyxwvutsrqp",
        "Password2024!",
        "P@ssw0rd2024",
        "admin@123456",
        "iloveyou1314",
        "TianFuKePu2025",
        "woaini5201314",
        "wang.xiaoming1",
        "王小明2024@@@@@",
        "123WangXiaoming",
        "line\nbreak-of-mine",
    ],
)
def test_what_is_guessed_first_is_refused_with_a_hint(password: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        passwords.chosen(password, login="wang.xiaoming", name="王小明")
    assert password not in str(caught.value)
    assert caught.value.hint


@pytest.mark.usefixtures("cheap_passwords")
@pytest.mark.parametrize(
    "password",
    [
        "十个汉字组成的口令呀",
        "correct horse battery",
        "竹海-听风-1987",
        "7391082645713920",
        "tianfu kepu wo de mima 9",
        "x" * 3 + "Yz-Qр7hы" * 100,
    ],
)
def test_what_nobody_guesses_is_taken_whatever_signs_it_has(password: str) -> None:
    assert passwords.verify(passwords.chosen(password, login="wang.xiaoming", name="王小明").text, password)


@pytest.mark.usefixtures("cheap_passwords")
def test_a_given_password_is_told_once_and_must_be_changed() -> None:
    hashed, text = passwords.temporary()
    assert hashed.temporary
    assert passwords.verify(hashed.text, text)
    assert len(text) == 23
    assert passwords.temporary()[1] != text


@pytest.mark.usefixtures("cheap_passwords")
@pytest.mark.parametrize("stored", [None, "", "x", "$argon2id$v=19$m=8,t=1,p=1$x$y", "\ud800"])
def test_what_is_no_hash_opens_nothing(stored: str | None) -> None:
    assert not passwords.verify(stored, "竹海听风看熊猫吃竹子")


def test_where_there_is_no_password_it_takes_as_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            seen.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "HASHER", Watched(time_cost=1, memory_cost=64, parallelism=2))
    assert not passwords.verify(None, "竹海听风看熊猫吃竹子")
    real = passwords.chosen("竹海听风看熊猫吃竹子", login="wang")
    assert extract_parameters(seen[0]) == extract_parameters(real.text)
    assert len(seen[0]) == len(real.text)


@given(text=st.text(max_size=40))
def test_any_text_is_either_taken_or_refused_as_weak(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        try:
            hashed = passwords.chosen(text, login="wang", name="王小明")
        except WeakPassword:
            return
        assert passwords.verify(hashed.text, text)
