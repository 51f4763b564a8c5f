"""Answers to programs that come again and again for the same document: 304 where they have it (RFC 9110, 13)."""

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TypeVar

from fastapi import Request, Response

R = TypeVar("R", bound=Response)


def document(request: Request, kind: type[R], body: bytes, *, changed_at: datetime, kept: str) -> R:
    """The document as a response of a kind, or 304 where the caller has it; `kept` is its Cache-Control.

    What a caller says of the tag wins over what it says of the time (RFC 9110, 13.2.2).
    """
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    changed_at = changed_at.astimezone(UTC).replace(microsecond=0)
    headers = {"ETag": tag, "Last-Modified": format_datetime(changed_at, usegmt=True), "Cache-Control": kept}
    tags, since = request.headers.get("if-none-match"), request.headers.get("if-modified-since")
    if _has(tags, tag) if tags is not None else _is_as_new(since, changed_at):
        return kind(status_code=304, headers=headers)
    return kind(body, headers=headers)


def _has(tags: str, tag: str) -> bool:
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in tags.split(","))


def _is_as_new(since: str | None, changed_at: datetime) -> bool:
    try:
        at = parsedate_to_datetime(since or "")
    except (ValueError, OverflowError):
        return False
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) >= changed_at
