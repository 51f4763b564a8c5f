"""The demo publication's own server: its feed, pictures and stories; there while it is wanted or mail stays here."""

from datetime import date

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, Response

from digestmail.local.demo import ASSETS, feed_document, story
from digestmail.web.site import READ, TheSite

router = APIRouter(prefix="/demo")


@router.api_route("/feed.atom", methods=READ)
def show_feed(site: TheSite) -> Response:
    """The feed, dated so that its stories are fresh."""
    document = feed_document(base_url=site.settings.public_url, now=site.clock())
    return Response(document, media_type="application/atom+xml", headers={"Cache-Control": "no-cache"})


@router.api_route("/pictures/{name}", methods=READ)
def show_picture(name: str) -> FileResponse:
    """One picture of a story."""
    for picture in ASSETS.iterdir():  # asked for by its name, a file system fails at one that is too long
        if picture.name == name:
            return FileResponse(picture, headers={"Cache-Control": "public, max-age=86400"})
    raise HTTPException(404)


@router.api_route("/stories/{slug}", methods=READ)
def show_story(site: TheSite, slug: str, day: date | None = None) -> HTMLResponse:
    """One story as a page; `day` is that of its printing."""
    found = story(slug)
    if found is None:
        raise HTTPException(404)
    return site.pages.show("web/story.html", story=found, day=day)
