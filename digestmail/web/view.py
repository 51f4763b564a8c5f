"""The whole digest as a page, where a mail counts what it has no room for."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digestmail.deliveries.view import view_digest
from digestmail.messages.publication import Publication
from digestmail.tokens import Purpose
from digestmail.web.site import READ, TheSite, TheSpoken, linked

router = APIRouter()

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Robots-Tag": "noindex",
}
"""A digest has its own styles and pictures from anywhere, but runs no script."""


@router.api_route("/d/{token}", methods=READ)
def show_digest(site: TheSite, spoken: TheSpoken, delivery_id: Annotated[int, linked(Purpose.VIEW)]) -> HTMLResponse:
    """The digest of a delivery with all its stories, in the topics that its reader has now."""
    with site.database.reading() as session:
        view = view_digest(session, delivery_id, publication=Publication.of(site.settings), tokens=site.tokens)
    if view is None or view.html is None:
        spoken = spoken.for_reader(view.language.code if view else None)
        return site.pages.show("web/view_gone.html", spoken, status=410, preferences=view.preferences if view else "")
    return HTMLResponse(view.html, headers={**_HEADERS, "Content-Language": view.language.code})
