"""A new work out of a file: Markdown, HTML or Word, by its content."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from content_store.creator_words import Licence
from content_store.db import Connection
from content_store.errors import UploadRefused
from content_store.ingest.as_markdown import markdown_of
from content_store.review.versions import Words
from content_store.review_words import AiUse
from content_store.staff_vocabulary import Permission
from content_store.upload_words import UploadKind, UploadWarning
from content_store.uploads import bounds, kinds
from content_store.uploads.documents import read_document
from content_store.uploads.shapes import Document
from content_store.uploads.store import Quota, keep_work
from web import signed
from web.creators import forms, work_form
from web.creators.works import new_page, store
from web.portal.page import Page
from web.services import current

PATH = "/staff/works/upload"
LARGEST_FORM = bounds.DOCUMENT_BYTES + bounds.MIB
"""Bytes of the form with the file in it."""
_TOO_LONG = f"正文超过 {work_form.LONGEST_BODY:,} 个字，请分成几篇上传。"


@dataclass(frozen=True, slots=True)
class Read:
    """What a file comes to: its title, its body in Markdown, and what its writer should know."""

    title: str
    body: str
    warnings: list[UploadWarning]
    document: Document


def widen(app: Flask) -> None:
    """Take larger bodies of those who are signed in and upload a file; to be called before anything reads forms."""

    @app.before_request
    def allow() -> None:
        if request.endpoint == upload_work.__name__ and signed.found() is not None:
            request.max_content_length = LARGEST_FORM


def upload_work() -> str | Response:
    """Store the work in the file as a draft; it uses one of today's, and the same form sent twice makes it once."""
    id, file = request.form.get("id", ""), request.files.get("file")
    licence, ai_use = forms.chosen(Licence, "licence"), forms.chosen(AiUse, "ai_use")
    if file is None or not file.filename:
        return _refused(id, "请先选择要上传的文件。")
    if licence is None or ai_use is None:
        return _refused(id, "请选择授权方式，并说明人工智能使用情况。")
    try:
        data = file.stream.read(bounds.DOCUMENT_BYTES + 1)
        found = read(file.filename, data)
    except UploadRefused as error:
        return _refused(id, f"{error.problem.label}。")
    if len(found.body) > work_form.LONGEST_BODY:
        return _refused(id, _TOO_LONG)
    words = Words(title=found.title, body=found.body or None, licence=licence.label, ai_use=ai_use)

    def keep(connection: Connection, account_id: str) -> None:
        quota = Quota.of(current().settings)
        keep_work(
            connection,
            account_id=account_id,
            name=file.filename or "",
            data=data,
            document=found.document,
            quota=quota,
            content_id=id,
        )

    try:
        fault = store(id, words, keep)
    except UploadRefused as error:
        return _refused(id, f"{error.problem.label}。")
    if fault is not None:
        return _refused(id, fault)
    warned = list(dict.fromkeys(one.value for one in found.warnings))
    return redirect(url_for("show_work", id=id, notice="made", warned=warned), 303)


def read(name: str, data: bytes) -> Read:
    """The work in a file. What is Markdown already stays as it was written. Raises UploadRefused."""
    document = read_document(name, data)
    title = " ".join(document.title.split())[:200] or "未命名"
    body = markdown_of(document.html)
    warnings = [one.warning for one in document.warnings]
    as_written = document.kind is UploadKind.MARKDOWN and not document.pictures
    if as_written and "<" not in (text := kinds.text_of(data)):
        body = _without_title(text.strip(), title)
    return Read(title, body, warnings, document)


def _without_title(text: str, title: str) -> str:
    """Markdown without the heading that became the title."""
    first, _, rest = text.partition("\n")
    return rest.strip() if first.startswith("# ") and first[2:].strip() == title else text


def _refused(id: str, fault: str) -> Response:
    form = work_form.blank(None)
    form.fields |= {name: request.form.get(name, "") for name in ("licence", "ai_use")}
    return make_response(new_page(form=form, id=id, upload_fault=fault), 422)


PAGES = (Page("POST", PATH, upload_work, Permission.WRITE_WORKS),)
