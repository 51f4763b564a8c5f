"""Fetching a feed politely and safely: one GET with validators, to public addresses, within one time and size limit.

Every hop of a redirect is looked up, judged and connected to anew (see `addresses` and `connection`), unless a
connection to that host, which was judged when it was made, has been kept.
"""

import ipaddress
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from http import HTTPStatus
from importlib.metadata import version
from urllib.parse import urlencode

import h11
import httpx2

from digestmail.clock import Clock, system_clock
from digestmail.errors import FeedError
from digestmail.feeds.addresses import Address, Resolve, resolve, usable
from digestmail.feeds.answer import Fetched, Headers, max_age, refusal
from digestmail.feeds.body import BodyError, read_body
from digestmail.feeds.clean import HOST
from digestmail.feeds.connection import Deadline, Line, Lines, Peer
from digestmail.feeds.permit import Permit
from digestmail.settings import Network

__all__ = ["Fetched", "Fetcher", "read_url"]

MAX_REDIRECTS = 5

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
_PERMANENT = frozenset({301, 308})
_TEMPORARY = frozenset({302, 303, 307})
_SEND_AGAIN = frozenset({307, 308})


@dataclass(frozen=True, slots=True)
class _Redirect:
    location: str
    permanent: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Headers
    links: tuple[str, ...]
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
        clock: Clock = system_clock,
    ) -> None:
        self._allowed = tuple(allowed_networks)
        self._agent = f"digestmail/{version('digestmail')} (+{httpx2.URL(contact_url)})"
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._resolve = resolve
        self._ssl_context = ssl_context
        self._clock = clock
        self._lines = Lines()

    def keeping_connections(self) -> AbstractContextManager[None]:
        """For the length of the block, connections are kept for the next feed of the same host."""
        return self._lines.kept()

    def get(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        local: bool = False,
        permit: Permit | None = None,
    ) -> Fetched:
        """Fetch `url`; the validators go back exactly as they came (RFC 9110, 13.1).

        `local` lets the URL itself, but no redirect, lead to this machine. A large body is read once `permit` is
        acquired. Raises FeedError in words.
        """
        headers = {"User-Agent": self._agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        deadline = Deadline(self._timeout)
        here, moved_for_good = _url_of_feed(url), True
        been = [here]
        for hop in range(MAX_REDIRECTS + 1):
            with _in_words(here.host, timeout=self._timeout):
                answer = self._ask(here, headers, deadline, loopback=local and hop == 0, permit=permit)
            if isinstance(answer, _Answer):
                permanent_url = str(here) if hop and moved_for_good else None
                return _fetched(answer, url=str(here), permanent_url=permanent_url)
            there = read_url(answer.location, base=here)
            if there in been:
                raise FeedError(f"{here.host} redirects in a circle.")
            less_safe = (here.scheme, there.scheme) == ("https", "http")  # to be followed, but not to be remembered
            moved_for_good = moved_for_good and answer.permanent and not less_safe
            here = there
            been.append(here)
        raise FeedError(f"{read_url(url).host} redirects more than {MAX_REDIRECTS} times.")

    def post(self, url: str, form: Mapping[str, str]) -> int:
        """Send a form, as safely as `get` asks; the status of the answer, whatever it is. Its body is not read.

        Only such redirects are followed as have a form sent again (RFC 9110, 307 and 308). Raises FeedError in words.
        """
        body = urlencode(form).encode()
        headers = {
            "User-Agent": self._agent,
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(body)),
        }
        deadline = Deadline(self._timeout)
        here = read_url(url)
        for _ in range(MAX_REDIRECTS + 1):
            with _in_words(here.host, timeout=self._timeout):
                peer, request = _to_send(b"POST", here, headers, loopback=False)
                line = self._new_line(peer, deadline)
                try:
                    response = line.ask(request, deadline, body=body)
                finally:
                    line.close()
            location = dict(_fields(response)).get("location")
            if response.status_code not in _SEND_AGAIN or not location:
                return response.status_code
            here = read_url(_as_sent(location), base=here)
        raise FeedError(f"{read_url(url).host} redirects more than {MAX_REDIRECTS} times.")

    def _ask(
        self, url: httpx2.URL, headers: Mapping[str, str], deadline: Deadline, *, loopback: bool, permit: Permit | None
    ) -> _Answer | _Redirect:
        """One request and its answer, without following it."""
        peer, request = _to_send(b"GET", url, headers, loopback=loopback)
        if (kept := self._lines.take(peer)) is not None:
            try:
                return self._exchange(kept, request, deadline, permit)
            except OSError as error:
                if kept.heard or isinstance(error, TimeoutError):
                    raise
                # The server has hung up meanwhile, as it may (RFC 9112, 9.3.1), and not answered the question.
        return self._exchange(self._new_line(peer, deadline), request, deadline, permit)

    def _new_line(self, peer: Peer, deadline: Deadline) -> Line:
        tls = (self._ssl_context or _public_authorities()) if peer.scheme == "https" else None
        return Line(peer, self._addresses(peer, deadline), deadline, tls)

    def _exchange(
        self, line: Line, request: h11.Request, deadline: Deadline, permit: Permit | None
    ) -> _Answer | _Redirect:
        """Ask, and read what the answer says. Raises FeedError for a refusal."""
        try:
            response = line.ask(request, deadline)
            fields = _fields(response)
            got, status = dict(fields), response.status_code
            if status in _PERMANENT | _TEMPORARY and (location := got.get("location")):
                return _Redirect(_as_sent(location), permanent=status in _PERMANENT)
            unchanged = status == HTTPStatus.NOT_MODIFIED and _asked_for_changes(request)
            if not (200 <= status < 300 or unchanged):
                raise refusal(line.peer.host, status, got, now=self._clock())
            body = read_body(
                line.body(),
                encoding=got.get("content-encoding", ""),
                limit=self._max_bytes,
                on_large=(lambda: deadline.extend(permit.acquire())) if permit else None,
            )
            links = tuple(value for name, value in fields if name == "link")
            return _Answer(304 if unchanged else 200, got, links, body)
        finally:
            self._lines.give(line)

    def _addresses(self, peer: Peer, deadline: Deadline) -> list[Address]:
        """Where to connect to: looked up once, refused unless public or allowed."""
        found = self._look_up(peer, deadline)
        addresses = usable(found, allowed=self._allowed, loopback=peer.loopback)
        if not addresses:
            raise FeedError(
                f"{peer.host} is not a public address; to fetch feeds from your own network set "
                "DIGESTMAIL_FEED_ALLOWED_NETWORKS."
            )
        return addresses

    def _look_up(self, peer: Peer, deadline: Deadline) -> Sequence[Address]:
        try:
            return [ipaddress.ip_address(peer.host)]
        except ValueError:
            pass  # it is a name
        try:
            return deadline.bound(lambda: self._resolve(peer.host, peer.port))
        except TimeoutError:
            raise
        except (OSError, UnicodeError) as error:
            raise FeedError(f"{peer.host} could not be found; check the address for typing errors.") from error


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
    return url.copy_with(fragment=None) if "#" in text else url


@lru_cache(2000)
def _url_of_feed(text: str) -> httpx2.URL:
    """It is asked for all day; where redirects lead is not remembered, since strangers write that."""
    return read_url(text)


@cache
def _public_authorities() -> ssl.SSLContext:
    """Read once in a process, and only where it is needed: there are many, and that takes time."""
    return httpx2.create_ssl_context(trust_env=False)


def _to_send(method: bytes, url: httpx2.URL, headers: Mapping[str, str], *, loopback: bool) -> tuple[Peer, h11.Request]:
    """Whom to ask for a URL, and the head of the request."""
    peer = Peer(url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80), loopback)
    sent = [(b"Host", url.netloc), *((name.encode(), value.encode("latin-1")) for name, value in headers.items())]
    return peer, h11.Request(method=method, target=url.raw_path, headers=sent)


def _asked_for_changes(request: h11.Request) -> bool:
    return any(name in (b"if-none-match", b"if-modified-since") for name, _ in request.headers)


def _fields(response: h11.Response) -> list[tuple[str, str]]:
    """Its headers, by names in small letters."""
    return [(name.decode("ascii"), value.decode("latin-1")) for name, value in response.headers]


@contextmanager
def _in_words(host: str, *, timeout: float) -> Iterator[None]:
    """Translate what goes wrong on the wire into a sentence about the host."""
    try:
        yield
    except TimeoutError as error:
        raise FeedError(f"{host} took longer than {timeout:g} seconds to answer.") from error
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message.rstrip(".")
        raise FeedError(f"The certificate of {host} cannot be trusted: {reason}.") from error
    except OSError as error:
        raise FeedError(f"{host} could not be reached: {error.strerror or error}.") from error
    except h11.RemoteProtocolError as error:
        raise FeedError(f"{host} sent something that is not proper HTTP: {str(error).rstrip('.')}.") from error
    except BodyError as error:
        raise FeedError(f"{host} {error}.") from error


def _fetched(answer: _Answer, *, url: str, permanent_url: str | None) -> Fetched:
    return Fetched(
        status=answer.status,
        body=answer.body,
        content_type=answer.headers.get("content-type", ""),
        etag=answer.headers.get("etag"),
        last_modified=answer.headers.get("last-modified"),
        url=url,
        permanent_url=permanent_url,
        max_age=max_age(answer.headers),
        links=answer.links,
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
