"""Passwords: which are taken, and how they are stored so that nobody can read them back.

Stored is argon2id (RFC 9106) with the second of the two recommended choices of its section 4: 3 passes over 64 MiB in 4
lanes, a salt of 128 bits and a tag of 256; OWASP's least is 2 passes over 19 MiB. A text is brought to Unicode's NFKC
first, as NIST SP 800-63B advises: full-width letters from a Chinese keyboard are the same password. There are no rules
about kinds of characters and no changing by the calendar (ibid.); what is guessed first is refused instead.
"""

from __future__ import annotations

import itertools
import re
import secrets
import threading
import unicodedata
from base64 import b64encode
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from content_store.errors import WeakPassword

SHORTEST, LONGEST = 10, 1024
"""Characters, after NFKC."""
LEAST_DIFFERENT = 5
SHORTEST_NUMBER = 16
"""Digits that a password of digits alone needs: dates, telephone and identity numbers are guessed first."""
AT_ONCE = 2
"""Passwords that one process examines at a time; each takes 64 MiB, and others wait for their turn."""

HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)

_turn = threading.BoundedSemaphore(AT_ONCE)
_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm")
_WORDS = """
    password passwd passphrase pass word admin administrator root user guest test temp demo login welcome letmein secret
    changeme default master server system manager editor qwerty qwertyuiop asdfgh zxcvbn abc abcd abcde abcdef iloveyou
    woaini woaiwojia wodemima mima mimashi nihao zhongguo china sichuan chengdu tianfu kepu kexue kexie tianfukepu
    kepusichuan sichuankepu panda xiongmao dragon monkey sunshine princess football baseball superman batman hello
    helloworld nopassword mypassword newpassword yourpassword thepassword passwordpassword adminadmin rootroot testtest
    密码 管理员 科普 天府科普 天府 四川 成都 中国 我爱你 你好
"""
_COMMON = frozenset(_WORDS.split())
_LOOKALIKES = str.maketrans("013457@$!", "oleastasi")
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_TEMPORARY_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_TEMPORARY_GROUPS, _TEMPORARY_GROUP = 4, 5


@dataclass(frozen=True, slots=True)
class Hashed:
    """A password as it may be stored; ``temporary``: to be changed at the first use."""

    text: str = field(repr=False)
    temporary: bool = False


def chosen(password: str, *, login: str, name: str = "") -> Hashed:
    """``password`` as somebody chose it for the account ``login`` of ``name``. Raises WeakPassword."""
    password = _normal(password)
    fault = _fault(password, login, name)
    if fault:
        raise WeakPassword(f"the password {fault}", hint=f"take at least {SHORTEST} characters that nobody guesses")
    with _turn:
        return Hashed(HASHER.hash(password))


def temporary() -> tuple[Hashed, str]:
    """A password of 99 random bits that must be changed at its first use, and its text, to be told once."""
    signs = [secrets.choice(_TEMPORARY_SIGNS) for _ in range(_TEMPORARY_GROUPS * _TEMPORARY_GROUP)]
    text = "-".join("".join(signs[at : at + _TEMPORARY_GROUP]) for at in range(0, len(signs), _TEMPORARY_GROUP))
    with _turn:
        return Hashed(HASHER.hash(text), temporary=True), text


def verify(stored: str | None, password: str) -> bool:
    """Whether ``password`` is the one that ``stored`` was made of; takes as long where there is none."""
    password = _normal(password)
    with _turn:
        try:
            matches = HASHER.verify(stored or _nobodys(), password)
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError, UnicodeError):
            # What is stored is no hash of ours: it opens nothing.
            return False
    return matches and stored is not None


def outdated(stored: str) -> bool:
    """Whether ``stored`` was made with other parameters than those of today, so that it should be made anew."""
    return HASHER.check_needs_rehash(stored)


def again(password: str, *, temporary: bool) -> Hashed:
    """A password that was just verified, with the parameters of today."""
    with _turn:
        return Hashed(HASHER.hash(_normal(password)), temporary)


def _nobodys() -> str:
    """What no password hashes to, as costly to examine as any."""
    cost = f"m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}"
    salt, tag = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (HASHER.salt_len, HASHER.hash_len)
    )
    return f"$argon2id$v=19${cost}${salt}${tag}"


def _normal(password: str) -> str:
    # Cut, so that a long text costs nothing; what is cut was refused when it was chosen. A lone surrogate is no text.
    return unicodedata.normalize("NFKC", password[: 4 * LONGEST]).encode(errors="replace").decode()


def _fault(password: str, login: str, name: str) -> str | None:
    """What is wrong with a password; None where nothing is."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"must have {SHORTEST} to {LONGEST} characters, not {len(password)}"
    if any(unicodedata.category(sign) == "Cc" for sign in password):
        return "has a control character"
    folded = password.casefold()
    if len(set(folded)) < LEAST_DIFFERENT:
        return f"must have at least {LEAST_DIFFERENT} different characters"
    if folded.isdecimal() and len(folded) < SHORTEST_NUMBER:
        return f"has digits only; then it must have at least {SHORTEST_NUMBER}"
    if _repeats(folded) or _is_run(folded):
        return "repeats a short text, or follows the alphabet or the keyboard"
    if _bare(folded) in _COMMON | _own_words(login, name):
        return "is one of those that are guessed first"
    return None


def _repeats(text: str) -> bool:
    """Whether it is a text of at most half its length again and again, the last time maybe cut short."""
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, len(text) // 2 + 1))


def _is_run(text: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    if steps <= {1} or steps <= {-1}:
        return True
    rows = [row + row for row in _ROWS]
    return any(text in row or text[::-1] in row for row in rows)


def _bare(text: str) -> str:
    """What is left without digits and signs at its ends, look-alikes read as the letters they stand for."""
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
    return _NOT_LETTERS.sub("", core.translate(_LOOKALIKES))


def _own_words(login: str, name: str) -> set[str]:
    own = {_bare(unicodedata.normalize("NFKC", word).casefold()) for word in (login, name, login + name)}
    return own - {""}
