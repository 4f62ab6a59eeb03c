"""The errors of what comes in: feeds, uploads, creators and calls for works."""

from __future__ import annotations

from content_store.error_base import KepuError
from content_store.problems import FetchProblem
from content_store.upload_words import UploadProblem
from content_store.vocabulary import ContentStatus


class UnknownCreator(KepuError):
    """The account never applied to the creator alliance."""

    code = "unknown_creator"


class UnknownCall(KepuError):
    """No call for works has this id."""

    code = "unknown_call"


class CriteriaNotMet(KepuError):
    """An applicant does not meet the published criteria; ``unmet`` are those, as sentences in Chinese."""

    code = "criteria_not_met"

    def __init__(self, unmet: list[str]) -> None:
        super().__init__(f"unmet: {'；'.join(unmet)}", hint="admit with a reason for the exception, or refuse")
        self.unmet = unmet


class StaleRevision(KepuError):
    """What was changed is no longer as it was when the change was begun."""

    code = "stale_revision"


class NotAMember(KepuError):
    """Works are taken of members of the creator alliance only."""

    code = "not_a_member"


class AllowanceUsed(KepuError):
    """A member has handed in as many works today as are taken on a day."""

    code = "allowance_used"


class CallClosed(KepuError):
    """A call takes no works: not yet, not any more, or it was cancelled."""

    code = "call_closed"


class NotInvited(KepuError):
    """A call is for those who were invited and accepted."""

    code = "not_invited"


class FetchFailed(KepuError):
    """Something on the web could not be had; the label of ``problem`` says why to the person who gave the address.

    ``status`` is that of HTTP where a server answered, ``retry_after_s`` how long it asked us to stay away.
    """

    code = "fetch_failed"

    def __init__(
        self, problem: FetchProblem, message: str, *, status: int | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message, hint=problem.label)
        self.problem = problem
        self.status = status
        self.retry_after_s = retry_after_s


class UnknownFeed(KepuError):
    """No feed has this id."""

    code = "unknown_feed"


class UploadRefused(KepuError):
    """A work or a picture is not taken; the label of ``problem`` tells the person who uploaded it what to do."""

    code = "upload_refused"

    def __init__(self, problem: UploadProblem, message: str) -> None:
        super().__init__(message, hint=problem.label)
        self.problem = problem


class DuplicateWork(KepuError):
    """A work that is submitted is a copy of the content ``content_id``; ``title`` and ``status`` are of that."""

    code = "duplicate_work"

    def __init__(self, content_id: str, title: str, status: ContentStatus) -> None:
        super().__init__(
            f"the work is a copy of content {content_id}, which is {status.value}",
            hint="go on with that one; who may publish can submit it all the same and say why it is none",
        )
        self.content_id = content_id
        self.title = title
        self.status = status


class UnknownUpload(KepuError):
    """No upload has this id."""

    code = "unknown_upload"


class UnknownOriginal(KepuError):
    """Nothing that was fetched is kept of the content under this number."""

    code = "unknown_original"


class UnknownPicture(KepuError):
    """No picture that may be shown has this digest and width."""

    code = "unknown_picture"


class FeedUnreadable(KepuError):
    """Bytes are no feed that can be read, or one that is made to do harm."""

    code = "feed_unreadable"


class IngestFailed(KepuError):
    """The process that fetches feeds ended without having ended its work."""

    code = "ingest_failed"
