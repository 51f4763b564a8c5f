"""Where the hubs of feeds call on us (W3C WebSub): to be told that we asked, and to tell of news."""

import re
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

from digestmail.feeds import hubs
from digestmail.tokens import Purpose
from digestmail.web.site import Site, TheSite, linked

router = APIRouter()

MAX_CONTENT = 5_000_000
"""Bytes that a hub may send: a whole feed, of which no more is fetched either."""

_CHALLENGE = re.compile(r"[\x21-\x7e]{1,500}")

FeedId = Annotated[int, linked(Purpose.HUB)]


@router.get("/hub/{token}")
def answer(
    site: TheSite,
    feed_id: FeedId,
    mode: Annotated[str, Query(alias="hub.mode")],
    topic: Annotated[str, Query(alias="hub.topic")],
    challenge: Annotated[str, Query(alias="hub.challenge")] = "",
    lease_seconds: Annotated[str, Query(alias="hub.lease_seconds")] = "",
    reason: Annotated[str, Query(alias="hub.reason")] = "",
) -> Response:
    """Say whether it was we who asked the hub, by sending its challenge back (section 5.3), or hear that it refuses.

    The one GET that writes, as the standard has it: a hub's answer to what we asked it for, and nothing else. Mail
    scanners never see this address.
    """
    if mode == "denied":
        with site.database.transaction() as session:
            hubs.note_denial(session, feed_id, topic_url=topic, reason=reason, now=site.clock())
        return Response()
    if not _CHALLENGE.fullmatch(challenge) or not _agrees(site, feed_id, mode, topic, lease_seconds):
        raise HTTPException(404)
    return Response(challenge, media_type="text/plain")  # with nosniff, as all that we answer


def _agrees(site: Site, feed_id: int, mode: str, topic: str, lease_seconds: str) -> bool:
    match mode:
        case "subscribe":
            with site.database.transaction() as session:
                return hubs.confirm(session, feed_id, topic_url=topic, lease_seconds=lease_seconds, now=site.clock())
        case "unsubscribe":
            with site.database.reading() as session:
                return hubs.is_unwanted(session, feed_id, topic_url=topic)
        case _:
            return False


@router.post("/hub/{token}", max_body_size=MAX_CONTENT)
async def hear(site: TheSite, request: Request, feed_id: FeedId) -> Response:
    """Have the feed polled where its hub tells of news (section 7), and a worker look at once.

    What is sent is hashed and dropped. Without the hub's signature nothing happens and the answer is the same, so that
    nobody can try signatures out (section 7.1.2). 410 tells a hub that we asked it for nothing.
    """
    secret = await run_in_threadpool(_secret, site, feed_id)
    if secret is None:
        return Response(status_code=410)
    signature = hubs.Signature(request.headers.get("x-hub-signature", ""), secret=secret)
    try:
        async for content in request.stream():
            signature.add(content)
    except ClientDisconnect:
        return Response(status_code=400)
    due = signature.is_valid() and await run_in_threadpool(_make_due, site, feed_id)
    return Response(status_code=202, background=BackgroundTask(site.collect_bell) if due else None)


def _secret(site: Site, feed_id: int) -> str | None:
    with site.database.reading() as session:
        return hubs.secret_of(session, feed_id)


def _make_due(site: Site, feed_id: int) -> bool:
    with site.database.transaction() as session:
        return hubs.make_due(session, feed_id, now=site.clock())
