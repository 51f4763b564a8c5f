"""Fetching a feed politely and safely: one GET with validators, to public addresses, within one time and size limit.

Every hop of a redirect is looked up, judged and connected to anew (see `addresses` and `connection`).
"""

import http.client
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from importlib.metadata import version
from urllib.parse import urlencode

import httpcore2
import httpx2

from digestmail.errors import FeedError
from digestmail.feeds.addresses import Address, Resolve, resolve, usable
from digestmail.feeds.body import BodyError, read_body
from digestmail.feeds.clean import HOST
from digestmail.feeds.connection import Deadline, PinnedBackend
from digestmail.settings import Network

MAX_REDIRECTS = 5

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
_PERMANENT = frozenset({301, 308})
_TEMPORARY = frozenset({302, 303, 307})
_SEND_AGAIN = frozenset({307, 308})
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A good answer: 200 with a body, or 304 (not modified) without."""

    status: int
    body: bytes
    content_type: str
    etag: str | None
    last_modified: str | None
    url: str
    """Where the answer came from, after redirects."""
    permanent_url: str | None = None
    """Where the feed has moved for good: set where every redirect was permanent (RFC 9110, 301 and 308)."""
    max_age: timedelta | None = None
    """How long the answer stays fresh (RFC 9111)."""
    links: tuple[str, ...] = ()
    """The values of its Link headers (RFC 8288)."""


@dataclass(frozen=True, slots=True)
class _Redirect:
    location: str
    permanent: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetcher:
    """Fetches feeds. Safe to use from several threads; reads nothing from the environment.

    `timeout` is in seconds and covers everything from the name's look-up to the last byte; `max_bytes` counts after
    decompression. `contact_url` tells the feed's publisher who is asking.
    """

    def __init__(
        self,
        *,
        allowed_networks: Sequence[Network] = (),
        contact_url: str,
        timeout: float = 20,
        max_bytes: int = 5_000_000,
        resolve: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = tuple(allowed_networks)
        self._agent = f"digestmail/{version('digestmail')} (+{httpx2.URL(contact_url)})"
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._resolve = resolve
        self._ssl = ssl_context or httpx2.create_ssl_context(trust_env=False)

    def get(
        self, url: str, *, etag: str | None = None, last_modified: str | None = None, local: bool = False
    ) -> Fetched:
        """Fetch `url`; the validators go back exactly as they came (RFC 9110, 13.1).

        `local` lets the URL itself, but no redirect, lead to this machine. Raises FeedError in words.
        """
        headers = {"User-Agent": self._agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        deadline = Deadline(self._timeout)
        here, moved_for_good = read_url(url), True
        for hop in range(MAX_REDIRECTS + 1):
            with _in_words(here.host, timeout=self._timeout):
                answer = self._ask(here, headers, deadline, loopback=local and hop == 0)
            if isinstance(answer, _Redirect):
                here = read_url(answer.location, base=here)
                moved_for_good = moved_for_good and answer.permanent
                continue
            permanent_url = str(here) if hop and moved_for_good else None
            return _fetched(answer, url=str(here), permanent_url=permanent_url)
        raise FeedError(f"{read_url(url).host} redirects more than {MAX_REDIRECTS} times.")

    def _ask(
        self, url: httpx2.URL, headers: Mapping[str, str], deadline: Deadline, *, loopback: bool
    ) -> _Answer | _Redirect:
        """One request and its answer, without following it."""
        addresses = self._addresses(url, deadline, loopback=loopback)
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        sent = [(b"Host", url.netloc), *((name.encode(), value.encode("latin-1")) for name, value in headers.items())]
        backend = PinnedBackend(addresses, deadline)
        with (
            httpcore2.ConnectionPool(ssl_context=self._ssl, network_backend=backend) as pool,
            pool.stream("GET", target, headers=sent) as response,
        ):
            got = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            status, location = response.status, got.get("location")
            if status in _PERMANENT | _TEMPORARY and location:
                return _Redirect(_as_sent(location), permanent=status in _PERMANENT)
            asked = "If-None-Match" in headers or "If-Modified-Since" in headers
            if status == HTTPStatus.NOT_MODIFIED and asked:
                return _Answer(304, got, b"")
            if not 200 <= status < 300:
                raise _refused(url.host, status)
            encoding = got.get("content-encoding", "")
            return _Answer(200, got, read_body(response.iter_stream(), encoding=encoding, limit=self._max_bytes))

    def _addresses(self, url: httpx2.URL, deadline: Deadline, *, loopback: bool) -> list[Address]:
        """Where to connect to: looked up once, refused unless public or allowed."""
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = deadline.bound(lambda: self._resolve(host, port))
        except TimeoutError:
            raise
        except (OSError, UnicodeError) as error:
            raise FeedError(f"{url.host} could not be found; check the address for typing errors.") from error
        addresses = usable(found, allowed=self._allowed, loopback=loopback)
        if not addresses:
            raise FeedError(
                f"{url.host} is not a public address; to fetch feeds from your own network set "
                "DIGESTMAIL_FEED_ALLOWED_NETWORKS."
            )
        return addresses

    def post(self, url: str, form: Mapping[str, str]) -> int:
        """Send a form, as safely as `get` asks; the status of the answer, whatever it is. Its body is not read.

        Only such redirects are followed as have a form sent again (RFC 9110, 307 and 308). Raises FeedError in words.
        """
        deadline = Deadline(self._timeout)
        here = read_url(url)
        for _ in range(MAX_REDIRECTS + 1):
            with _in_words(here.host, timeout=self._timeout):
                status, location = self._send(here, urlencode(form).encode(), deadline)
            if status not in _SEND_AGAIN or not location:
                return status
            here = read_url(_as_sent(location), base=here)
        raise FeedError(f"{read_url(url).host} redirects more than {MAX_REDIRECTS} times.")

    def _send(self, url: httpx2.URL, form: bytes, deadline: Deadline) -> tuple[int, str]:
        """One POST: the status of its answer, and where that leads to."""
        addresses = self._addresses(url, deadline, loopback=False)
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers = [
            (b"Host", url.netloc),
            (b"User-Agent", self._agent.encode("latin-1")),
            (b"Content-Type", b"application/x-www-form-urlencoded"),
            (b"Content-Length", str(len(form)).encode()),
        ]
        backend = PinnedBackend(addresses, deadline)
        with (
            httpcore2.ConnectionPool(ssl_context=self._ssl, network_backend=backend) as pool,
            pool.stream("POST", target, headers=headers, content=form) as response,
        ):
            location = next((value for name, value in response.headers if name.lower() == b"location"), b"")
            return response.status, location.decode("latin-1")


def read_url(text: str, *, base: httpx2.URL | None = None) -> httpx2.URL:
    """Read the URL of a feed, relative to `base` if given. Raises FeedError unless it is http or https, with a host."""
    try:
        url = base.join(text.strip()) if base is not None else httpx2.URL(text.strip())
    except (httpx2.InvalidURL, ValueError) as error:
        raise FeedError(f"“{_shown(text)}” is not a web address: {str(error).rstrip('.')}.") from error
    if url.scheme not in ("http", "https") or not HOST.fullmatch(url.raw_host):
        raise FeedError(f"“{_shown(text)}” is not a web address; use one such as https://example.org/feed.xml.")
    if url.userinfo:
        raise FeedError(f"The address of the feed on {url.host} holds a user name; leave out everything before the @.")
    if url.port is not None and not 0 < url.port < 65536:
        raise FeedError(f"There is no port {url.port}; ports go from 1 to 65535.")
    return url.copy_with(fragment=None)


@contextmanager
def _in_words(host: str, *, timeout: float) -> Iterator[None]:
    """Translate what goes wrong on the wire into a sentence about the host."""
    try:
        yield
    except (TimeoutError, httpcore2.TimeoutException) as error:
        raise FeedError(f"{host} took longer than {timeout:g} seconds to answer.") from error
    except httpcore2.NetworkError as error:
        cause = error.args[0] if error.args else error  # the library keeps the socket's exception there
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = cause.verify_message.rstrip(".")
            raise FeedError(f"The certificate of {host} cannot be trusted: {reason}.") from error
        raise FeedError(f"{host} could not be reached: {getattr(cause, 'strerror', None) or cause}.") from error
    except httpcore2.ProtocolError as error:
        raise FeedError(f"{host} sent something that is not proper HTTP: {str(error).rstrip('.')}.") from error
    except BodyError as error:
        raise FeedError(f"{host} {error}.") from error


def _refused(host: str, status: int) -> FeedError:
    if status == HTTPStatus.GONE:
        return FeedError(f"{host} answered 410: this feed is gone for good.", permanent=True)
    phrase = http.client.responses.get(status, "a status that nobody knows")
    return FeedError(f"{host} answered {status} ({phrase}).")


def _fetched(answer: _Answer, *, url: str, permanent_url: str | None) -> Fetched:
    age = _MAX_AGE.search(answer.headers.get("cache-control", ""))
    return Fetched(
        status=answer.status,
        body=answer.body,
        content_type=answer.headers.get("content-type", ""),
        etag=answer.headers.get("etag"),
        last_modified=answer.headers.get("last-modified"),
        url=url,
        permanent_url=permanent_url,
        max_age=timedelta(seconds=int(age[1])) if age else None,
    )


def _as_sent(location: str) -> str:
    """A Location that was sent in UTF-8, as some servers do, although headers are read as Latin-1."""
    try:
        return location.encode("latin-1").decode()
    except UnicodeDecodeError:
        return location


def _shown(text: str) -> str:
    """Typed text as a sentence may hold it: short, and without a password."""
    return re.sub(r"//[^/@]*@", "//…@", text)[:200]
