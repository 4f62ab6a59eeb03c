"""Which reading is a service: the table of rules, and the judgement of one entry after the other. No database here.

A rule is never changed once it has been in force; the next one gets the next version, and a recount under it tells the
difference. What a judgement rests on is in the entry itself, so that it can be repeated years later.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from content_store.errors import UnknownRule
from content_store.vocabulary import SERVICE_STRENGTH, TOKEN_EXCLUSIONS, Exclusion, ServiceKind, SharedCap

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What counts as a service.

    A reading must last ``share`` of the time that its content takes at ``characters_per_minute``, at least
    ``shortest_ms`` and never more than ``longest_ms``, and must have seen ``scroll`` (0 to 1) of the page.
    ``per_citizen`` is the most that counts per citizen and day, ``per_device`` and ``per_network`` the most per day for
    all guests of a device and of a network together.
    """

    version: int
    characters_per_minute: int
    share: float
    shortest_ms: int
    longest_ms: int
    scroll: float
    per_citizen: int
    per_device: int
    per_network: int

    def required_dwell_ms(self, length: int) -> int:
        """How long a content of ``length`` Chinese characters must be read."""
        whole = length * MINUTE_MS / self.characters_per_minute
        return int(min(self.longest_ms, max(self.shortest_ms, self.share * whole)))

    def shared(self, scope: SharedCap) -> int:
        """The cap of ``scope``."""
        return self.per_device if scope is SharedCap.DEVICE else self.per_network


RULES = {
    rule.version: rule
    for rule in (
        # 500 characters a minute is what the national curriculum for Chinese (2011) asks of those who leave school
        # after nine years. Half of it, so that who reads quickly is not left out; over 12 s, the pace of known scripts.
        Rule(
            version=1,
            characters_per_minute=500,
            share=0.5,
            shortest_ms=15_000,
            longest_ms=90_000,
            scroll=0.5,
            per_citizen=30,
            per_device=30,
            per_network=300,
        ),
    )
}
"""Every rule that was ever in force, by its version."""

CURRENT = RULES[max(RULES)]
"""The rule that new readings are judged by."""


def rule(version: int) -> Rule:
    """The rule of this version. Raises UnknownRule."""
    if version not in RULES:
        known = ", ".join(map(str, RULES))
        raise UnknownRule(f"the ledger has no rule {version}", hint=f"there are: {known}")
    return RULES[version]


@dataclass(slots=True)
class Entry:
    """A row of the ledger: what was done for whom, the evidence, and the verdict. The fields are the columns in order.

    ``source_id`` the event (or notification) it rests on · ``object_id`` the content · ``day`` in Shanghai (ISO) on
    which the token was issued, or of arrival without one · ``issued_at`` when the token was issued, None until one was
    proven · ``seen_at`` when the reading was last heard of, both epoch ms by our clock · ``dwell_ms``, ``scroll`` the
    largest that was sent · ``length`` of the body in Chinese characters when first judged · ``live`` whether the
    content might reach citizens at one of the sends · ``own`` whether it is the citizen's own work · ``guest``,
    ``device_key``, ``network_key`` of the first send · ``rule``, ``decided_at`` of the verdict, which is ``counted_as``
    or else ``reason``.
    """

    source_id: str
    citizen_id: str
    object_id: str
    kind: ServiceKind
    day: str
    issued_at: int | None
    seen_at: int
    dwell_ms: int | None
    scroll: float | None
    length: int
    live: bool
    own: bool
    guest: bool
    device_key: str | None
    network_key: str | None
    rule: int
    decided_at: int
    counted_as: ServiceKind | None
    reason: Exclusion | None

    @property
    def counted_dwell_ms(self) -> int:
        """The dwell that our own clock bears out: no more than the time since the token was issued."""
        if self.issued_at is None:
            return 0
        return max(0, min(self.dwell_ms or 0, self.seen_at - self.issued_at))

    @property
    def natural_key(self) -> tuple[str, str, str]:
        """Citizen, day and object: what counts once."""
        return self.citizen_id, self.day, self.object_id

    @property
    def shared_caps(self) -> list[tuple[SharedCap, str]]:
        """The labels by which a guest's service is capped; none for who has an account."""
        if not self.guest:
            return []
        caps = [] if self.device_key is None else [(SharedCap.DEVICE, self.device_key)]
        if self.network_key is not None:
            caps.append((SharedCap.NETWORK, self.network_key))
        return caps


def shortfall(rule: Rule, entry: Entry) -> Exclusion | None:
    """The first reason in ``entry`` itself against counting it; None where it may count."""
    if entry.kind is ServiceKind.READ and entry.issued_at is None:
        return entry.reason if entry.reason in TOKEN_EXCLUSIONS else Exclusion.NO_TOKEN
    if not entry.live:
        return Exclusion.NOT_PUBLISHED
    if entry.own:
        return Exclusion.OWN_CONTENT
    if entry.kind is not ServiceKind.READ:
        return None
    if entry.counted_dwell_ms < rule.required_dwell_ms(entry.length):
        return Exclusion.TOO_SHORT
    if (entry.scroll or 0.0) < rule.scroll:
        return Exclusion.NOT_SCROLLED
    return None


@dataclass(slots=True)
class Tally:
    """What was counted so far on the days in question: decides whether one more entry counts."""

    keys: dict[tuple[str, str, str], ServiceKind] = field(default_factory=dict)
    citizens: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    shared: defaultdict[tuple[str, SharedCap, str], int] = field(default_factory=lambda: defaultdict(int))

    def know(self, citizen_id: str, day: str, object_id: str, kind: ServiceKind) -> None:
        """Take in what was counted before; the shared caps it used are told by ``shared`` alone."""
        self.keys[citizen_id, day, object_id] = kind
        self.citizens[citizen_id, day] += 1

    def judge(self, rule: Rule, entry: Entry) -> Exclusion | None:
        """Whether ``entry``, which has no shortfall, counts: None and taken in, or the reason why not.

        Where its natural key was counted before by a weaker kind, the key's kind is strengthened.
        """
        key = entry.natural_key
        before = self.keys.get(key)
        if before is not None:
            self.keys[key] = max(before, entry.kind, key=SERVICE_STRENGTH.__getitem__)
            return Exclusion.ALREADY_COUNTED
        citizen = entry.citizen_id, entry.day
        if self.citizens[citizen] >= rule.per_citizen:
            return Exclusion.CITIZEN_CAP
        caps = [(entry.day, scope, label) for scope, label in entry.shared_caps]
        for cap in caps:
            if self.shared[cap] >= rule.shared(cap[1]):
                return Exclusion.DEVICE_CAP if cap[1] is SharedCap.DEVICE else Exclusion.NETWORK_CAP
        self.keys[key] = entry.kind
        self.citizens[citizen] += 1
        for cap in caps:
            self.shared[cap] += 1
        return None
