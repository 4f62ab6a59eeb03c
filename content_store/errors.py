"""One tree of errors: a stable ``code`` for programs, a message for the log, a hint for the person."""

from __future__ import annotations

from typing import ClassVar

from content_store.upload_words import UploadProblem


class KepuError(Exception):
    """The root of every error that is ours.

    ``code`` is stable and may be relied on by scripts, ``message`` says what happened, ``hint`` what to do about it.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


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


class BadKey(KepuError):
    """A service token is none of ours, or was revoked."""

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


class UploadRefused(KepuError):
    """A work or a picture is not taken; the label of ``problem`` tells the person who uploaded it what to do."""

    code = "upload_refused"

    def __init__(self, problem: UploadProblem, message: str) -> None:
        super().__init__(message, hint=problem.label)
        self.problem = problem


class UnknownUpload(KepuError):
    """No upload has this id."""

    code = "unknown_upload"


class UnknownPicture(KepuError):
    """No picture that may be shown has this digest and width."""

    code = "unknown_picture"


class FeedUnreadable(KepuError):
    """Bytes are no feed that can be read, or one that is made to do harm."""

    code = "feed_unreadable"
