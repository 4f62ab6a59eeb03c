"""Who is admitted: criteria that are published with their numbers, so that whoever applies can count for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from content_store import checks
from content_store.creator_words import Licence, Unmet
from content_store.errors import BadRecord
from content_store.review_words import AiUse
from content_store.settings import Settings
from content_store.vocabulary import Topic

MOST_CHANNELS, MOST_SAMPLES, LONGEST_STATEMENT = 20, 20, 2_000
_MOST_FOLLOWERS = 10**10


@dataclass(frozen=True, slots=True)
class Channel:
    """Where a creator publishes, as they state it: platform, address, and how many follow them there."""

    platform: str
    url: str
    followers: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A work that shows what a creator can do."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What a creator tells of themselves. ``licence`` and ``ai_use`` hold for their works unless one says otherwise."""

    expertise: Sequence[Topic]
    channels: Sequence[Channel] = ()
    samples: Sequence[Sample] = ()
    statement: str | None = None
    licence: Licence = Licence.ALLIANCE
    ai_use: AiUse = AiUse.NONE

    @property
    def followers(self) -> int:
        """Over all channels."""
        return sum(channel.followers for channel in self.channels)


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is asked for; followers may be made up for by as many more samples where ``samples_instead`` is above 0."""

    followers: int
    samples: int
    samples_instead: int

    @classmethod
    def of(cls, settings: Settings) -> Criteria:
        """Those in force."""
        return cls(settings.admission_followers, settings.admission_samples, settings.admission_samples_instead)

    def unmet(self, application: Application) -> list[Unmet]:
        """What ``application`` does not meet, in the order in which it is asked for."""
        works = len(application.samples)
        enough = bool(self.samples_instead) and works >= self.samples_instead
        asked = {
            Unmet.EXPERTISE: bool(application.expertise),
            Unmet.FOLLOWERS: enough or application.followers >= self.followers,
            Unmet.SAMPLES: works >= self.samples,
            Unmet.STATEMENT: bool(application.statement and application.statement.strip()),
        }
        return [what for what, met in asked.items() if not met]

    def told(self) -> dict[Unmet, str]:
        """Each criterion as a sentence for people."""
        instead = f"，或提供至少 {self.samples_instead} 篇代表作品" if self.samples_instead else ""
        return {
            Unmet.EXPERTISE: "至少选择一个擅长领域",
            Unmet.FOLLOWERS: f"各平台粉丝合计不少于 {self.followers:,} 人{instead}",
            Unmet.SAMPLES: f"至少提供 {self.samples} 篇代表作品",
            Unmet.STATEMENT: "写一段自我介绍",
        }


def check(application: Application) -> Application:
    """``application`` as it may be stored. Raises BadRecord for what is too long, no address or no number."""
    if len(application.channels) > MOST_CHANNELS or len(application.samples) > MOST_SAMPLES:
        raise BadRecord(f"at most {MOST_CHANNELS} channels and {MOST_SAMPLES} samples are taken")
    if len(application.statement or "") > LONGEST_STATEMENT:
        raise BadRecord(f"the statement has more than {LONGEST_STATEMENT} characters")
    checks.text(application.statement, "the statement")
    for channel in application.channels:
        checks.identifier(channel.platform, "a channel's platform")
        _address(channel.url)
        if not 0 <= channel.followers <= _MOST_FOLLOWERS:
            raise BadRecord(f"{channel.followers} is no number of followers")
    for sample in application.samples:
        checks.identifier(sample.title, "a sample's title")
        _address(sample.url)
    return application


def _address(url: str) -> None:
    checks.text(url, "an address")
    if not url.startswith(("https://", "http://")) or len(url) > 2_000 or any(sign.isspace() for sign in url):
        raise BadRecord(f"{url[:200]!r} is no address of a page", hint="it begins with https:// or http://")
