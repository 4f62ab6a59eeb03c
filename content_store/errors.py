"""One tree of errors: a stable ``code`` for programs, a message for the log, a hint for the person."""

from __future__ import annotations

from content_store.error_base import KepuError as KepuError
from content_store.errors_intake import AllowanceUsed as AllowanceUsed
from content_store.errors_intake import CallClosed as CallClosed
from content_store.errors_intake import CriteriaNotMet as CriteriaNotMet
from content_store.errors_intake import DuplicateWork as DuplicateWork
from content_store.errors_intake import FeedUnreadable as FeedUnreadable
from content_store.errors_intake import FetchFailed as FetchFailed
from content_store.errors_intake import IngestFailed as IngestFailed
from content_store.errors_intake import NotAMember as NotAMember
from content_store.errors_intake import NotInvited as NotInvited
from content_store.errors_intake import StaleRevision as StaleRevision
from content_store.errors_intake import UnknownCall as UnknownCall
from content_store.errors_intake import UnknownCreator as UnknownCreator
from content_store.errors_intake import UnknownFeed as UnknownFeed
from content_store.errors_intake import UnknownOriginal as UnknownOriginal
from content_store.errors_intake import UnknownPicture as UnknownPicture
from content_store.errors_intake import UnknownUpload as UnknownUpload
from content_store.errors_intake import UploadRefused as UploadRefused


class SettingsError(KepuError):
    """A setting is unknown, given twice or has a value that cannot be used."""

    code = "settings"


class DatabaseError(KepuError):
    """The database cannot be opened, read or brought up to date."""

    code = "database"


class DatabaseTooNew(DatabaseError):
    """The database was written by a newer programme than this one."""

    code = "database_too_new"


class DatabaseConflict(DatabaseError):
    """Another transaction got in the way; the same may be tried again at once."""

    code = "database_conflict"


class DatabaseRefused(DatabaseError):
    """The database does not take these rows: they break one of its rules."""

    code = "database_refused"


class HotStateError(KepuError):
    """The server that keeps the hot state cannot be used."""

    code = "hot_state"


class ImportFileError(KepuError):
    """A file to import cannot be read or lacks a column that its rows need."""

    code = "import_file"


class ExportFileError(KepuError):
    """A file cannot be written."""

    code = "export_file"


class BadRecord(KepuError):
    """A record has a value that may not be stored."""

    code = "bad_record"


class UnknownCitizen(KepuError):
    """No citizen has this id."""

    code = "unknown_citizen"


class UnknownContent(KepuError):
    """No content has this id."""

    code = "unknown_content"


class UnknownOrganisation(KepuError):
    """No organisation has this id."""

    code = "unknown_organisation"


class UnknownAccount(KepuError):
    """No account has this id or login."""

    code = "unknown_account"


class UnknownSession(KepuError):
    """No session of this account has this id."""

    code = "unknown_session"


class WeakPassword(BadRecord):
    """A password is too short, too long, or one of those that are guessed first."""

    code = "weak_password"


class BadCredentials(KepuError):
    """Login and password do not belong together, or the account is closed; which of them is not told."""

    code = "bad_credentials"


class SignInDelayed(KepuError):
    """Too many failures for this login; the next attempt is taken after ``retry_after_s`` seconds."""

    code = "sign_in_delayed"

    def __init__(self, message: str, retry_after_s: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class NotAllowed(KepuError):
    """Whoever wants it does not have the permission for it in this organisation."""

    code = "not_allowed"


class Unreviewed(KepuError):
    """Something would be published that did not pass every step of its review, or the review itself bypassed."""

    code = "unreviewed"


class UnknownVersion(KepuError):
    """The content has no version with this number."""

    code = "unknown_version"


class UnknownReview(KepuError):
    """No review has this id."""

    code = "unknown_review"


class ReviewClosed(KepuError):
    """The review is over, or of a version that is not the newest any more."""

    code = "review_closed"


class MayNotReview(KepuError):
    """Who wrote any of it reviews nothing of it, and nobody takes two steps of one review."""

    code = "may_not_review"


class AlreadyClaimed(KepuError):
    """Somebody else has the step."""

    code = "already_claimed"


class NotClaimed(KepuError):
    """The step is decided by who has claimed it."""

    code = "not_claimed"


class Quarantined(KepuError):
    """The words have a term of the list, and wait until a person has lifted their quarantine."""

    code = "quarantined"


class AltMissing(KepuError):
    """A body shows pictures without a text that tells what they show; ``numbers`` counts them in their order from 1."""

    code = "alt_missing"

    def __init__(self, numbers: list[int]) -> None:
        told = ", ".join(map(str, numbers))
        super().__init__(f"no alternative text: picture {told}", hint="write what each picture shows: ![here](address)")
        self.numbers = numbers


class UnknownTerm(KepuError):
    """The term list has no such term."""

    code = "unknown_term"


class Withdrawn(KepuError):
    """The content was published and taken back; ``reason`` is a stable code, ``text`` what people read."""

    code = "withdrawn"

    def __init__(self, message: str, *, reason: str, text: str, withdrawn_at: int) -> None:
        super().__init__(message)
        self.reason = reason
        self.text = text
        self.withdrawn_at = withdrawn_at


class UnknownMessage(KepuError):
    """The inbox has no message with this id."""

    code = "unknown_message"


class BadKey(KepuError):
    """A service token is none of ours, has ended, or was revoked."""

    code = "bad_key"


class UnknownKey(KepuError):
    """No service token has this id."""

    code = "unknown_key"


class ReadingTokenError(KepuError):
    """A reading token proves nothing about the reading it was sent with."""

    code = "reading_token"


class BadReadingToken(ReadingTokenError):
    """It is none of ours, or was altered."""

    code = "bad_token"


class ForeignReadingToken(ReadingTokenError):
    """It was issued for another reading, citizen or content."""

    code = "foreign_token"


class ReadingTokenExpired(ReadingTokenError):
    """It was issued too long ago."""

    code = "token_expired"


class UnknownRule(KepuError):
    """No rule of the ledger has this version."""

    code = "unknown_rule"


class DataMissing(KepuError):
    """There are no records to work on."""

    code = "data_missing"


class SnapshotError(KepuError):
    """A model snapshot is absent, half-written or corrupt."""

    code = "snapshot"


class ModelError(KepuError):
    """A model cannot be kept or restored, or was asked for what it does not know."""

    code = "model"


class EvaluationError(KepuError):
    """An evaluation cannot be carried out as asked."""

    code = "evaluation"


class LeaseLost(KepuError):
    """The work belongs to somebody else by now: its holder gave no sign of life for too long, or it is over."""

    code = "lease_lost"


class UnknownJob(KepuError):
    """No job has this name."""

    code = "unknown_job"


class ServiceMissing(KepuError):
    """A program or a system package that the command needs is not installed."""

    code = "service_missing"


class BadCursor(KepuError):
    """A cursor of a list is not one that was given out."""

    code = "bad_cursor"
