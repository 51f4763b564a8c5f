"""Error pages: each says what happened and what to do. Programs under /api get the same as JSON."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from digestmail.errors import ForgottenError, TokenError
from digestmail.sentence import Sentence
from digestmail.settings import Settings
from digestmail.web.headers import add_security_headers
from digestmail.web.site import Site, spoken_of
from digestmail.web.theme import logo_origin


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happened and what to do, in words for a reader."""

    title: Sentence
    happened: Sentence
    remedy: Sentence


_UNREADABLE = Trouble(
    Sentence("We could not read that"),
    Sentence("Something in the form or in the address came to us in a shape that we cannot read."),
    Sentence("Please go back, check what you typed, and send it again."),
)

TOO_MANY = Trouble(
    Sentence("Too many sign-ups from your network"),
    Sentence("Very many people have signed up from it within an hour, so we take no more for the moment."),
    Sentence("Please try again in an hour, or from another network, such as that of your phone."),
)

FLOODED = Trouble(
    Sentence("Very many people sign up at this moment"),
    Sentence("We slow down, so that nobody’s mailbox is flooded. Nothing was sent to you."),
    Sentence("Please try again in an hour."),
)

_TROUBLES = {
    400: _UNREADABLE,
    403: Trouble(
        Sentence("This page is for the operator"),
        Sentence("It opens only on the machine that runs this service."),
        Sentence(
            "From elsewhere, use an SSH tunnel: ssh -L 8000:127.0.0.1:8000 your-server, and open "
            "http://127.0.0.1:8000/operator."
        ),
    ),
    404: Trouble(
        Sentence("There is no such page"),
        Sentence("The address may be mistyped, or what was here is gone."),
        Sentence("Please check the address, or begin at the first page."),
    ),
    405: Trouble(
        Sentence("That is not how this page works"),
        Sentence("The address is right, but it was called in a way that it does not understand."),
        Sentence("Please go back and use the page's own button."),
    ),
    413: Trouble(
        Sentence("That was too much at once"),
        Sentence("What was sent is larger than any of our forms."),
        Sentence("Please go back and send less."),
    ),
    422: _UNREADABLE,
    500: Trouble(
        Sentence("Something broke on our side"),
        Sentence("It is not your fault. What you had saved before is safe."),
        Sentence("Please try again in a minute. If it happens again, tell us what you were doing."),
    ),
}

BAD_LINK = Trouble(
    Sentence("This link does not work"),
    Sentence("A part of it seems to be missing: mail programs sometimes break a long link in two."),
    Sentence(
        "Please open the mail again and press the link there, or copy the whole address into your browser. "
        "The newest digest has working links to your preferences and for unsubscribing."
    ),
)


def add_error_pages(app: FastAPI) -> None:
    """Let every error that reaches the app be answered in the same design."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - that is what it is registered for
        trouble = _TROUBLES.get(error.status_code, _TROUBLES[500 if error.status_code >= 500 else 400])
        return _answer(request, error.status_code, trouble, headers=error.headers)

    async def unreadable(request: Request, _error: Exception) -> Response:
        return _answer(request, 422, _TROUBLES[422])

    async def bad_link(request: Request, _error: Exception) -> Response:
        return _answer(request, 404, BAD_LINK)

    async def forgotten(request: Request, _error: Exception) -> Response:
        """Also for the one-click POST of an old digest, which must be told that it is done (RFC 8058)."""
        site: Site = request.app.state.site
        return site.pages.show(
            "web/forgotten.html", spoken_of(request), status=200 if request.method == "POST" else 410
        )

    async def broken(request: Request, _error: Exception) -> Response:
        response = _answer(request, 500, _TROUBLES[500])
        settings: Settings = request.app.state.site.settings
        https = settings.public_url.startswith("https:")
        add_security_headers(
            response.headers, https=https, pictures_from=logo_origin(settings)
        )  # this handler stands outside the middleware
        return response

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.add_exception_handler(TokenError, bad_link)
    app.add_exception_handler(ForgottenError, forgotten)
    app.add_exception_handler(Exception, broken)


def _answer(request: Request, status: int, trouble: Trouble, *, headers: object = None) -> Response:
    site: Site = request.app.state.site
    if request.url.path.startswith("/api/"):
        response: Response = JSONResponse({"error": f"{trouble.title}. {trouble.happened} {trouble.remedy}"}, status)
    else:
        response = site.pages.show("web/error.html", spoken_of(request), status=status, trouble=trouble)
    if isinstance(headers, dict):
        response.headers.update(headers)
    return response
