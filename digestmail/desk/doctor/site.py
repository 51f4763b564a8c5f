"""Judges the address that readers see: https, its certificate, and whether our own pages answer there."""

import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx2

from digestmail.clock import Clock
from digestmail.desk.doctor.finding import Finding, Verdict, certificate, ok, problem, sentence, skipped, warning
from digestmail.desk.doctor.machine import judge_clock
from digestmail.desk.doctor.relay import expiry_of
from digestmail.settings import is_this_machine
from digestmail.tokens import TOKEN_LENGTH

LONGEST_LINK = 70
"""Letters of an address in a header: longer ones are folded or encoded on their way, and do not work any more."""

_SECONDS = 5.0
_BAD_TOKEN = "doctor"  # noqa: S105 - no token: it must be refused
_LONGEST_AGE = re.compile(r"max-age=\"?(\d+)", re.IGNORECASE)
_HALF_A_YEAR = 180 * 86_400


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to one request; redirects are not followed."""

    status: int
    headers: Mapping[str, str]
    """By name in small letters."""
    text: str = ""


Ask = Callable[[str, str], Answer]
"""From a method and a URL to the answer. Raises OSError with a reason where there is none."""


def look_at_site(
    base_url: str,
    clock: Clock,
    *,
    mail_leaves: bool,
    ask: Ask,
    expires_at: Callable[[str, int], datetime | None],
) -> Iterator[Finding]:
    """Everything about the address. `expires_at` tells when the certificate of a host and port ends, and may raise
    OSError."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if not mail_leaves and is_this_machine(host):
        yield skipped("site.address", f"Mail stays on this machine, and so may the pages at {base_url}.")
        return
    yield judge_address(base_url, mail_leaves=mail_leaves)
    yield judge_length(base_url)
    try:
        first, health = ask("GET", f"{base_url}/"), ask("GET", f"{base_url}/healthz")
    except OSError as error:
        yield judge_silence(base_url, error, mail_leaves=mail_leaves)
        return
    yield (ours := judge_page(base_url, first, health))
    if ours.verdict is Verdict.OK:
        yield judge_one_click(
            base_url, {method: ask(method, one_click(base_url)) for method in ("GET", "HEAD", "POST")}
        )
    if parts.scheme == "https":
        yield judge_hsts(first)
        ends = expires_at(host, parts.port or 443)
        if ends is not None:
            yield certificate("site.certificate", of=host, left=ends - clock())
    if not is_this_machine(host) and (said := _date_of(first)):
        yield judge_clock("site.clock", clock() - said, of=host)


def one_click(base_url: str, token: str = _BAD_TOKEN) -> str:
    """Where a mail provider posts to when its reader unsubscribes (RFC 8058)."""
    return f"{base_url}/u/{token}"


def judge_address(base_url: str, *, mail_leaves: bool) -> Finding:
    """Whether readers elsewhere can open it, and nobody on the way can read along."""
    name = "site.address"
    parts = urlsplit(base_url)
    remedy = "Set DIGESTMAIL_BASE_URL to the address that readers see, such as https://digest.example.org."
    if is_this_machine(parts.hostname or ""):
        return problem(
            name,
            f"Mail leaves this machine, and its links lead to {base_url}, which to readers is their own machine.",
            remedy,
        )
    if parts.scheme != "https":
        verdict = problem if mail_leaves else warning
        return verdict(
            name, f"{base_url} is not encrypted, and one-click unsubscribing needs https (RFC 8058).", remedy
        )
    return ok(name, f"Readers are led to {base_url}.")


def judge_length(base_url: str) -> Finding:
    """Whether the links in headers stay short enough to come through whole."""
    length = len(one_click(base_url, "x" * TOKEN_LENGTH))
    if length <= LONGEST_LINK:
        return ok("site.links", f"Links in headers have {length} of at most {LONGEST_LINK} letters.")
    return warning(
        "site.links",
        f"Links in headers have {length} letters; over {LONGEST_LINK} some mail servers break them.",
        f"Choose a base URL that is {length - LONGEST_LINK} letters shorter.",
    )


def judge_silence(base_url: str, error: OSError, *, mail_leaves: bool) -> Finding:
    """Nothing answers."""
    verdict = problem if mail_leaves else warning
    if "certificate" in str(error).lower():
        return verdict(
            "site.certificate",
            f"The certificate at {base_url} does not hold: {sentence(error)}",
            "Have it renewed, for the name in BASE_URL and with the certificates between it and its authority.",
        )
    return verdict(
        "site.reach",
        f"{base_url} cannot be reached from here: {sentence(error)}",
        "Look whether `digestmail web` and the reverse proxy run, and whether the name leads to this machine.",
    )


def judge_page(base_url: str, first: Answer, health: Answer) -> Finding:
    """Whether it is this service that answers, and at that very address."""
    name = "site.reach"
    if 300 <= first.status < 400:
        return problem(
            name,
            f"{base_url}/ redirects to {first.headers.get('location', 'somewhere else')[:100]}.",
            "Set BASE_URL to where it leads: a one-click POST follows no redirect.",
        )
    if health.status == 503:
        return problem(
            name, f"The pages at {base_url} answer, but do not reach their database.", "Look into their log."
        )
    if first.status != 200 or health.status != 200 or health.text.replace(" ", "") != '{"ok":true}':
        return problem(
            name,
            f"At {base_url}/ something answers ({first.status}) that is not digestmail.",
            "Let the reverse proxy hand everything below BASE_URL to `digestmail web`.",
        )
    return ok(name, f"Our pages answer at {base_url}/.")


def judge_one_click(base_url: str, answers: Mapping[str, Answer]) -> Finding:
    """Whether each way of asking reaches our own page, which refuses the token that is none."""
    wrong = [f"{method} with {answer.status}" for method, answer in answers.items() if not _is_our_refusal(answer)]
    if not wrong:
        return ok("site.one-click", "Unsubscribing by one click reaches us, without a redirect.")
    return problem(
        "site.one-click",
        f"{base_url}/u/… answers {', '.join(wrong)} where our own page would refuse a wrong link with 404.",
        "Let the reverse proxy pass GET, HEAD and POST on, without a login, a redirect or a page of its own.",
    )


def _is_our_refusal(answer: Answer) -> bool:
    return answer.status == 404 and "default-src 'none'" in answer.headers.get("content-security-policy", "")


def judge_hsts(first: Answer) -> Finding:
    """Whether browsers remember to come encrypted (RFC 6797)."""
    said = first.headers.get("strict-transport-security", "")
    found = _LONGEST_AGE.search(said)
    if found and int(found[1]) >= _HALF_A_YEAR:
        return ok("site.hsts", "Browsers are told to come by https alone (HSTS).")
    return warning(
        "site.hsts",
        "Browsers are not told to come by https alone" + (f" for long: {said[:80]}." if said else "."),
        "Let the reverse proxy leave our header Strict-Transport-Security as it is.",
    )


def ask_http(method: str, url: str) -> Answer:
    """One request over the network. What a one-click POST brings is sent with a POST."""
    form = {"List-Unsubscribe": "One-Click"} if method == "POST" else None
    try:
        answer = httpx2.request(method, url, data=form, timeout=_SECONDS, follow_redirects=False)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise OSError(str(error) or type(error).__name__) from error
    return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.text)


def certificate_ends(host: str, port: int) -> datetime | None:
    """When the certificate of a server ends. Raises OSError where it has none that holds."""
    with (
        socket.create_connection((host, port), timeout=_SECONDS) as connection,
        ssl.create_default_context().wrap_socket(connection, server_hostname=host) as encrypted,
    ):
        return expiry_of(encrypted)


def _date_of(answer: Answer) -> datetime | None:
    try:
        said = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return said if said.tzinfo else None
