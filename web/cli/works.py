"""``kepu works``: works as they would come in."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from content_store.errors import ImportFileError, UploadRefused
from content_store.settings import Settings
from content_store.uploads.bounds import MIB
from content_store.uploads.documents import read_document
from content_store.uploads.names import shown_name
from content_store.uploads.pictures import check_picture
from content_store.uploads.shapes import Document, Picture

REFUSED = 1

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def works() -> None:
    """Look at works (Markdown, HTML, Word documents) as they would come in."""


@works.command()
@click.argument("file", type=_FILE)
@click.option(
    "--picture", "beside", multiple=True, type=_FILE, help="A picture that is uploaded with it; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead, with the sanitised HTML.")
@click.pass_obj
def check(settings: Settings, file: Path, beside: tuple[Path, ...], as_json: bool) -> None:
    """Tell what FILE would become as an upload, and what its creator should know; stores nothing.

    Exit status: 1 where it would be refused.
    """
    most = settings.upload_most_mb * MIB
    try:
        pictures = {path.name: check_picture(_read(path, most)) for path in beside}
        found = read_document(file.name, _read(file, most), beside=pictures)
    except UploadRefused as error:
        _tell_refusal(error, shown_name(file.name), as_json)
        sys.exit(REFUSED)
    if as_json:
        click.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=1))
        return
    for line in _lines(found, shown_name(file.name)):
        click.echo(line)


def _read(path: Path, most: int) -> bytes:
    """The file, and a byte more than is taken where it is longer. Raises ImportFileError."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise ImportFileError(
            f"{path} cannot be read: {error.strerror}", hint="check its name and its rights"
        ) from error


def _tell_refusal(error: UploadRefused, name: str, as_json: bool) -> None:
    if as_json:
        told = {"refused": {"code": error.problem, "message": error.message, "hint": error.hint}}
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    click.echo(f"{name}: refused ({error.problem}): {error.message}")
    click.echo(f"  {error.hint}")


def _as_json(found: Document) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "title": found.title,
        "html": found.html,
        "characters": len(found.plain),
        "pictures": [_picture(picture) for picture in found.pictures],
        "warnings": [
            {"code": told.warning, "label": told.warning.label, "about": told.about} for told in found.warnings
        ],
    }


def _picture(picture: Picture) -> dict[str, Any]:
    told: dict[str, Any] = {"digest": picture.digest, "media_type": picture.media_type, "bytes": len(picture.data)}
    widths = [*(part.width for part in picture.smaller), picture.width]
    return told | {"width": picture.width, "height": picture.height, "widths": widths}


def _lines(found: Document, name: str) -> Iterator[str]:
    yield f"{name}: {found.kind.label}"
    yield f"  title     {found.title}"
    yield f"  text      {len(found.plain):,} characters"
    yield f"  pictures  {len(found.pictures)}"
    for picture in found.pictures:
        size = f"{picture.width} × {picture.height}, {len(picture.data):,} bytes"
        yield f"    {picture.digest[:12]}  {picture.media_type.removeprefix('image/')}, {size}"
    if not found.warnings:
        yield "  nothing to warn of"
    for told in found.warnings:
        about = f" [{told.about}]" if told.about else ""
        yield f"  {told.warning}: {told.warning.label}{about}"
