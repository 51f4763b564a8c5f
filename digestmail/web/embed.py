"""The sign-up form on other sites: the form for frames, the script that makes one, and the page with what to copy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from digestmail.clock import time_zones
from digestmail.feeds.manage import topics
from digestmail.language import find_language, language_of
from digestmail.settings.forms import origin_of_url
from digestmail.store.models import Topic
from digestmail.subscribers.choices import DEFAULT_HOUR
from digestmail.web.guard.metronome import Timed
from digestmail.web.headers import policy
from digestmail.web.pages import static_folders
from digestmail.web.site import READ, Site, TheSite, TheSpoken
from digestmail.web.spoken import Spoken, in_english
from digestmail.web.take import Mistakes, Place, Posted, take
from digestmail.web.theme import logo_origin
from digestmail.web.typed import Typed

router = APIRouter(route_class=Timed)


class Frame(Place):
    """A frame on another site: the one page that may be framed, since it can do no more than ask for a letter."""

    def security(self, site: Site, leads_to: str = "") -> dict[str, str]:
        """It may stand in pages that isolate themselves, too (Cross-Origin-Embedder-Policy)."""
        by = " ".join(("'self'", *site.settings.embed_sites)) if site.settings.embed_sites else "*"
        return {
            "Content-Security-Policy": policy({"frame-ancestors": by}),
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cross-Origin-Embedder-Policy": "require-corp",
        }


FRAME = Frame(path="/embed/form", source="form on another site", layout="web/_frame.html")

Named = Annotated[list[str] | None, Query(alias="topics")]
"""Topics, with commas between them or one at a time."""


_SNIPPETS = (
    ("plain", "Plain form", "HTML alone: it works everywhere, looks like your own page, and leads to a page of ours."),
    ("frame", "Frame", "Our form in a frame. Whoever signs up stays on your page."),
    ("script", "Script", "The same, in a frame that is always as high as its form."),
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """Something to copy."""

    key: str
    title: str
    about: str
    code: str


@router.api_route("/embed/form", methods=READ)
def show_form(site: TheSite, spoken: TheSpoken, named: Named = None) -> HTMLResponse:
    """The form for frames; `?topics=climate,labour` leaves these alone, and ticks them."""
    return _form(site, spoken, Typed(topics=_slugs(named)), only=_slugs(named))


@router.post("/embed/form")
def take_form(
    site: TheSite, request: Request, spoken: TheSpoken, posted: Annotated[Posted, Form()], named: Named = None
) -> Response:
    """Sign up from within a frame; the answer is shown there. What the form does not show takes its usual value."""
    spoken = spoken.asked_for(posted.lang)
    zone = posted.time_zone if posted.time_zone in time_zones() else ""
    posted = posted.model_copy(update={"hour": str(DEFAULT_HOUR), "time_zone": zone, "days": []})
    answer = take(site, request, spoken, posted, FRAME)
    if isinstance(answer, Mistakes):
        return _form(site, spoken, posted, only=_slugs(named), wrong=answer.messages)
    return answer


@router.api_route("/embed.js", methods=READ)
def show_script(site: TheSite) -> FileResponse:
    """The script that puts the frame where its tag stands."""
    path = next(path for folder in static_folders(site.settings) if (path := folder / "embed.js").is_file())
    headers = {"Cache-Control": "public, max-age=3600", "Cross-Origin-Resource-Policy": "cross-origin"}
    return FileResponse(path, headers=headers, media_type="text/javascript")


@router.api_route("/embed", methods=READ)
def show_page(site: TheSite, named: Named = None, lang: str = "") -> HTMLResponse:
    """What the publisher copies, each with a live preview; for some topics and in some language, where asked."""
    with site.database.reading() as session:
        every = topics(session)
    language = find_language(lang) or language_of(site.settings.language)
    ticked = [topic for topic in every if topic.slug in _slugs(named)]
    page = site.pages.show(
        "operator/embed.html",
        in_english(),
        topics=every,
        ticked=[topic.slug for topic in ticked],
        chosen=language,
        snippets=_snippets(site, Spoken(language), every, ticked),
    )
    origin = origin_of_url(site.settings.public_url)
    ours = {name: f"'self' {origin}".rstrip() for name in ("frame-src", "script-src", "form-action")}
    page.headers["Content-Security-Policy"] = policy(ours, pictures_from=logo_origin(site.settings))
    return page


def _snippets(site: Site, spoken: Spoken, every: Sequence[Topic], ticked: Sequence[Topic]) -> list[Snippet]:
    home, slugs = site.settings.public_url, ",".join(topic.slug for topic in ticked)
    query = urlencode({"lang": spoken.language.code} | ({"topics": slugs} if slugs else {}), safe=",")

    values = {"home": home, "query": query, "slugs": slugs, "topics": ticked or every, "ticked": ticked}
    return [
        Snippet(key, title, about, site.pages.text(f"web/_embed_{key}.html", spoken, **values).strip())
        for key, title, about in _SNIPPETS
    ]


def _form(
    site: Site, spoken: Spoken, typed: Typed, *, only: Sequence[str], wrong: dict[str, str] | None = None
) -> HTMLResponse:
    with site.database.reading() as session:
        every = topics(session)
    page = site.pages.show(
        "web/embed_form.html",
        spoken,
        status=422 if wrong else 200,
        topics=[topic for topic in every if topic.slug in only] or every,
        only=",".join(only),
        typed=typed,
        wrong=wrong or {},
    )
    page.headers.update(FRAME.security(site))
    return page


def _slugs(named: Sequence[str] | None) -> list[str]:
    return [slug.strip() for part in named or () for slug in part.split(",") if slug.strip()]
