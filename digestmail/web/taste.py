"""A sample of today's digest, which the sign-up page shows in a frame."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from digestmail.web.headers import policy
from digestmail.web.site import READ, TheSite, TheSpoken
from digestmail.web.theme import logo_origin

router = APIRouter()


@router.api_route("/sample", methods=READ)
def show_taste(site: TheSite, spoken: TheSpoken, chosen: Annotated[str, Query(alias="topics")] = "") -> HTMLResponse:
    """The newest stories as a digest shows them; `?topics=climate,labour` limits it to these topics."""
    page = site.storefront.taste(chosen.split(","), language=spoken.language, now=site.clock())
    if page is None:
        answer = site.pages.show("web/no_taste.html", spoken)
        changes = {"frame-ancestors": "'self'"}
        answer.headers["Content-Security-Policy"] = policy(changes, pictures_from=logo_origin(site.settings))
        return answer
    # The logo is that of the page around it, wherever that comes from.
    pictures = f"img-src 'self' {logo_origin(site.settings)}".rstrip()
    headers = {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'unsafe-inline'; {pictures}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'self'"
        ),
        "Cache-Control": "max-age=60",
        "Content-Language": spoken.language.code,
        "X-Robots-Tag": "noindex",
    }
    if spoken.negotiated:
        headers["Vary"] = "Accept-Language"
    return HTMLResponse(page, headers=headers)
