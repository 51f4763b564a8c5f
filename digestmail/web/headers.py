"""Response headers that keep pages to themselves: no foreign content, no referrer, no copy of a page with a token."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "script-src": "'self'",
    "connect-src": "'none'",
    "form-action": "'self'",
    "frame-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

_DEFAULTS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def policy(changes: Mapping[str, str], *, pictures_from: str = "") -> str:
    """Ours, with some directives changed for the few pages that need more.

    `pictures_from` is an origin besides our own, that of the publisher's logo.
    """
    pictures = {"img-src": f"'self' {pictures_from}".rstrip()}
    return "; ".join(f"{name} {value}" for name, value in {**_POLICY, **pictures, **changes}.items())


def add_security_headers(headers: MutableHeaders, *, https: bool, pictures_from: str = "") -> None:
    """Add what is missing; a response that has set one of them itself keeps it."""
    headers.setdefault("Content-Security-Policy", policy({}, pictures_from=pictures_from))
    for name, value in _DEFAULTS.items():
        headers.setdefault(name, value)
    if https:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")


class SecurityHeaders:
    """Puts the headers on every response. `https`: readers reach the pages over https."""

    def __init__(self, app: ASGIApp, *, https: bool, pictures_from: str = "") -> None:
        self.app = app
        self.https = https
        self.pictures_from = pictures_from

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (ASGI)."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                add_security_headers(headers, https=self.https, pictures_from=self.pictures_from)
            await send(message)

        await self.app(scope, receive, send_with_headers)
