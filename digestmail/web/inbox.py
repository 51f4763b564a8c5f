"""The local inbox as pages and as JSON; it exists only while mail stays on this machine."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from digestmail.local.inbox import Caught, Inbox
from digestmail.web.site import READ, TheSite

router = APIRouter()

MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)
"""A mail has inline styles and pictures from anywhere but runs no script. Being of our origin, it can be measured."""


async def _inbox(site: TheSite) -> Inbox:
    if site.inbox is None:
        raise HTTPException(404)
    return site.inbox


def _mail(key: str, inbox: Annotated[Inbox, Depends(_inbox)]) -> Caught:
    mail = inbox.find(key)
    if mail is None:
        raise HTTPException(404)
    return mail


TheInbox = Annotated[Inbox, Depends(_inbox)]
TheMail = Annotated[Caught, Depends(_mail)]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]


@router.api_route("/inbox", methods=READ)
def list_mails(site: TheSite, inbox: TheInbox, to: str = "", page: PageNumber = 1) -> HTMLResponse:
    """The caught mails, newest first."""
    return site.pages.show("web/inbox.html", mails=inbox.page(page, to=to.strip()), to=to.strip())


@router.get("/api/inbox")
def list_as_json(inbox: TheInbox, to: str = "", page: PageNumber = 1) -> dict[str, Any]:
    """The same list for programs: `html`, `text` and `source` are paths on this server."""
    found = inbox.page(page, to=to.strip())
    return {
        "page": found.number,
        "pages": found.pages,
        "total": found.total,
        "messages": [
            {
                "key": mail.key,
                "at": mail.at,
                "sender": mail.sender,
                "recipient": mail.recipient,
                "subject": mail.subject,
                **{part: f"/inbox/{mail.key}/{part}" for part in ("html", "text", "source")},
            }
            for mail in found.messages
        ],
    }


@router.api_route("/inbox/{key}", methods=READ)
def show_mail(site: TheSite, mail: TheMail, part: str = "html") -> HTMLResponse:
    """One mail: `part` is `html`, shown in a frame of its own, or `text`."""
    shown = "text" if part == "text" or not mail.html else "html"
    return site.pages.show("web/mail.html", mail=mail, part=shown)


@router.get("/inbox/{key}/html")
def show_html(mail: TheMail) -> HTMLResponse:
    """The HTML part as its reader sees it; links open in a new tab."""
    if not mail.html:
        raise HTTPException(404)
    policy = {"Content-Security-Policy": MAIL_POLICY}
    return HTMLResponse(f'{mail.html}<base target="_blank">', headers=policy)


@router.get("/inbox/{key}/text")
def show_text(mail: TheMail) -> PlainTextResponse:
    """The text part."""
    return PlainTextResponse(mail.text or "")


@router.get("/inbox/{key}/source")
def show_source(inbox: TheInbox, key: str) -> Response:
    """The mail's bytes as they came over SMTP."""
    source = inbox.source(key)
    if source is None:
        raise HTTPException(404)
    return PlainTextResponse(source)
