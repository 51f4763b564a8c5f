"""Takes a posted sign-up form, wherever it stands: past the gate, into the store, and to one of five answers."""

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.background import BackgroundTask

from digestmail.errors import FormError
from digestmail.settings.forms import origin_of_url
from digestmail.subscribers.sign_up import sign_up
from digestmail.web.errors import FLOODED, TOO_MANY
from digestmail.web.guard.gate import Proofs
from digestmail.web.guard.verdict import HOUR, Verdict
from digestmail.web.headers import policy
from digestmail.web.site import Site, origin_of
from digestmail.web.spoken import Spoken
from digestmail.web.theme import logo_origin
from digestmail.web.typed import Typed

CLOSED = {Verdict.REFUSE: TOO_MANY, Verdict.CLOSE: FLOODED}


class Posted(Typed):
    """A sign-up form as it came, with what people do not type."""

    stamp: str = ""
    """When our own form was made; forms on other sites have none."""
    step: str = ""
    """The one more step that this is."""
    work: str = ""
    """What the browser found for it."""
    remarks: str = ""
    """The trap: a field that people do not see."""
    success: str = ""
    """Where a form on another site wants to lead."""

    @property
    def proofs(self) -> Proofs:
        """What the gate looks at."""
        return Proofs(email=self.email, trap=self.remarks, stamp=self.stamp, step=self.step, work=self.work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a form stands, and how its answers look there."""

    path: str
    source: str
    """Its name in the consent record."""
    layout: str

    def security(self, site: Site, leads_to: str = "") -> dict[str, str]:
        """Headers beside the usual ones. A browser holds a form's redirects against its page's policy too."""
        if not leads_to:
            return {}
        changes = {"form-action": f"'self' {origin_of_url(leads_to)}"}
        return {"Content-Security-Policy": policy(changes, pictures_from=logo_origin(site.settings))}


PAGE = Place(path="/sign-up", source="sign-up form", layout="web/base.html")


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What is wrong with a form, by field."""

    messages: dict[str, str]


def take(site: Site, request: Request, spoken: Spoken, posted: Posted, place: Place) -> Response | Mistakes:
    """Sign up and answer, or say what is wrong with the form. Whoever is known is answered like whoever is not."""
    ip = request.client.host if request.client else ""
    verdict = site.gate.judge(posted.proofs, ip=ip)
    if verdict is Verdict.LET:
        try:
            _sign_up(site, request, spoken, posted, place)
        except FormError as error:
            site.gate.mistyped(ip)
            return Mistakes(error.messages)
    if verdict in (Verdict.LET, Verdict.PRETEND):
        return _done(site, spoken, posted, place)
    if verdict is Verdict.ASK:
        return _one_more_step(site, request, spoken, posted, place)
    return _closed(site, spoken, place, verdict)


def _sign_up(site: Site, request: Request, spoken: Spoken, typed: Typed, place: Place) -> None:
    with site.database.transaction() as session:
        sign_up(
            session,
            email=typed.email,
            topics=typed.topics,
            hour=typed.hour,
            time_zone=typed.time_zone or site.settings.default_time_zone,
            days=typed.days,
            locale=spoken.language.code,
            origin=origin_of(request, place.source),
            now=site.clock(),
        )


def _done(site: Site, spoken: Spoken, posted: Posted, place: Place) -> Response:
    if url := destination(site, posted, place):
        return RedirectResponse(url, 303, background=BackgroundTask(site.doorbell))
    return _with(
        place.security(site),
        site.pages.show(
            "web/check_mail.html", spoken, after=site.doorbell, layout=place.layout, email=posted.email.strip()
        ),
    )


def destination(site: Site, posted: Posted, place: Place) -> str:
    """Where a form on another site leads; empty for our own, and for an address that is not the publisher's."""
    if place is not PAGE or posted.stamp:
        return ""
    asked = posted.success or ("" if posted.step else site.settings.success_url or "")
    return asked if site.settings.may_lead_to(asked) else ""


def _one_more_step(site: Site, request: Request, spoken: Spoken, posted: Posted, place: Place) -> Response:
    rules, leads_to = site.gate.rules, destination(site, posted, place)
    works = site.gate.challenge == "work"
    page = site.pages.show(
        "web/one_more_step.html",
        spoken,
        status=429,
        layout=place.layout,
        action=f"{place.path}?{request.url.query}".rstrip("?"),
        typed=posted,
        leads_to=leads_to,
        step=site.gate.step(posted.proofs),
        seconds=int((rules.wait_without_work if works else rules.wait).total_seconds()),
        bits=rules.work_bits if works else 0,
    )
    return _with(place.security(site, leads_to), page)


def _closed(site: Site, spoken: Spoken, place: Place, verdict: Verdict) -> Response:
    page = site.pages.show("web/error.html", spoken, status=429, layout=place.layout, trouble=CLOSED[verdict])
    return _with({**place.security(site), "Retry-After": str(int(HOUR.total_seconds()))}, page)


def _with(headers: dict[str, str], response: HTMLResponse) -> HTMLResponse:
    response.headers.update(headers)
    return response
