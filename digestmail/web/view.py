"""The whole digest as a page, where a mail counts what it has no room for."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse

from digestmail.deliveries.view import view_digest
from digestmail.messages.browser import Visit
from digestmail.messages.publication import Publication
from digestmail.tokens import Purpose
from digestmail.web.site import READ, Site, TheSite, TheSpoken, linked
from digestmail.web.theme import logo_origin

router = APIRouter()


@router.api_route("/d/{token}", methods=READ)
def show_digest(
    site: TheSite,
    spoken: TheSpoken,
    delivery_id: Annotated[int, linked(Purpose.VIEW)],
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
    pictures: bool = False,
) -> HTMLResponse:
    """The digest of a delivery with all its stories, in the topics that its reader has now.

    Pictures from other servers come only where they are asked for.
    """
    publication = Publication.of(site.settings)
    archive_url = f"{publication.url}/archive" if site.settings.archive else ""
    visit = Visit(number=page, pictures=pictures, archive_url=archive_url)
    with site.database.reading() as session:
        view = view_digest(session, delivery_id, publication=publication, tokens=site.tokens, visit=visit)
    if page > 1 and (view is None or view.html is None):
        raise HTTPException(404)
    if view is None or view.html is None:
        spoken = spoken.for_reader(view.language.code if view else None)
        return site.pages.show("web/view_gone.html", spoken, status=410, preferences=view.preferences if view else "")
    return HTMLResponse(
        view.html, headers={**_headers(site, pictures=pictures), "Content-Language": view.language.code}
    )


def _headers(site: Site, *, pictures: bool) -> dict[str, str]:
    """A digest has its own styles and runs no script. Where nobody asks for pictures from elsewhere, none can load."""
    allowed = "http: https: data:" if pictures else f"'self' {logo_origin(site.settings)}".rstrip()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {allowed}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return {"Content-Security-Policy": policy, "X-Robots-Tag": "noindex"}
