"""A sample of today's digest, which the sign-up page shows in a frame."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from digestmail.web.headers import POLICY
from digestmail.web.site import READ, TheSite, TheSpoken
from digestmail.web.theme import logo_origin

router = APIRouter()

_IN_OUR_FRAME = "frame-ancestors 'self'"


@router.api_route("/sample", methods=READ)
def show_taste(site: TheSite, spoken: TheSpoken, chosen: Annotated[str, Query(alias="topics")] = "") -> HTMLResponse:
    """The newest stories as a digest shows them; `?topics=climate,labour` limits it to these topics."""
    page = site.storefront.taste(chosen.split(","), language=spoken.language, now=site.clock())
    if page is None:
        answer = site.pages.show("web/no_taste.html", spoken)
        answer.headers["Content-Security-Policy"] = POLICY.replace("frame-ancestors 'none'", _IN_OUR_FRAME)
        return answer
    # The logo is that of the page around it, wherever that comes from.
    pictures = f"img-src 'self' {logo_origin(site.settings)}".rstrip()
    headers = {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'unsafe-inline'; {pictures}; base-uri 'none'; form-action 'none'; "
            f"{_IN_OUR_FRAME}"
        ),
        "Cache-Control": "max-age=60",
        "Content-Language": spoken.language.code,
        "X-Robots-Tag": "noindex",
    }
    if spoken.negotiated:
        headers["Vary"] = "Accept-Language"
    return HTMLResponse(page, headers=headers)
