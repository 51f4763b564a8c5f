"""Judges the digest that readers would get now: its size, its lines, its headers and its links."""

import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.policy import compat32
from urllib.parse import urlsplit

import lxml.html

from digestmail.desk.doctor.finding import Finding, ok, problem, sentence, skipped, warning
from digestmail.desk.doctor.records import Records
from digestmail.desk.preview import Preview, preview_digest
from digestmail.desk.service import Service
from digestmail.errors import InputError, SettingsError
from digestmail.feeds.manage import topics
from digestmail.language import language_of
from digestmail.messages.budget import BUDGET

STYLE_BUDGET = 16 * 1024
"""Octets of style sheets, past which Gmail drops them all."""
_LONGEST_LINE = 998  # RFC 5322, 2.1.1
_LONGEST_ADDRESS = 77
"""Letters of a header's address: from 78 on programs fold or encode it."""
_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style>", re.IGNORECASE | re.DOTALL)
_SHOWN = 3


def find_preview(records: Records, *, now: datetime, recipient: str = "reader@example.org") -> Preview | Finding:
    """The digest of all topics together, as nobody's reader; or why there is none."""
    settings = records.settings
    if not records.is_current:
        return _none("There is no database to take it from.", "See what is said of the database.")
    if not settings.secret_key and not (settings.data_dir / "secret.key").exists():
        return _none("There is no secret yet that could sign its links.", "Start digestmail once, which makes one.")
    with records.database.reading(at_one_moment=True) as session:
        slugs = [topic.slug for topic in topics(session)]
        if not slugs:
            return _none("There are no topics yet.", "Add one with: digestmail topic add SLUG --name NAME")
        try:
            service = Service(settings)
        except SettingsError as error:
            return _none(sentence(error), "Mend that setting.")
        try:
            service.rehearse()
            return preview_digest(
                session,
                service,
                topics=slugs,
                language=language_of(settings.language),
                now=now,
                recipient=recipient,
            )
        except InputError:
            return _none("There are no items yet.", "Add a feed, and fetch it with: digestmail collect")
        except SettingsError as error:
            return problem("digest.templates", sentence(error), "Neither worker nor pages start with it.")


def _none(reason: str, remedy: str) -> Finding:
    return skipped("digest.html", f"No digest could be composed. {reason}", remedy)


def judge_digest(preview: Preview | Finding) -> Iterator[Finding]:
    """All there is to say about it."""
    if isinstance(preview, Finding):
        yield preview
        return
    yield judge_html(len(preview.html.encode()))
    yield judge_style(sum(len(found.encode()) for found in _STYLE.findall(preview.html)))
    yield judge_lines(preview.message.data)
    yield judge_headers(preview.message.data)
    yield judge_links(preview.html)


def judge_html(octets: int) -> Finding:
    """Whether mail programs show it whole."""
    found = f"The next digest has {octets:,} octets of HTML, of at most {BUDGET:,}."
    if octets <= BUDGET:
        return ok("digest.html", found)
    return problem(
        "digest.html",
        found,
        "Gmail cuts it off. Shorten what stands in every mail: announcements, the postal address, your own templates.",
    )


def judge_style(octets: int) -> Finding:
    """Whether mail programs read its style sheets."""
    found = f"Its style sheets have {octets:,} octets, of at most {STYLE_BUDGET:,}."
    if octets <= STYLE_BUDGET:
        return ok("digest.style", found)
    return problem("digest.style", found, "Gmail drops them all. Shorten the style sheets of your own templates.")


def judge_lines(data: bytes) -> Finding:
    """Whether mail servers pass it on unbroken."""
    longest = max(map(len, data.split(b"\r\n")))
    found = f"Its longest line has {longest} octets, of at most {_LONGEST_LINE}."
    if longest <= _LONGEST_LINE:
        return ok("digest.lines", found)
    return problem("digest.lines", found, "Mail servers break or refuse it. Please report it: this must not happen.")


def judge_headers(data: bytes) -> Finding:
    """Whether mailbox providers find the one-click unsubscribing (RFC 2369, RFC 8058)."""
    name = "digest.headers"
    message = message_from_bytes(data, policy=compat32)
    found = message.get_all("List-Unsubscribe", [])
    if len(found) != 1 or message.get_all("List-Unsubscribe-Post", []) != ["List-Unsubscribe=One-Click"]:
        return problem(
            name,
            "The headers for unsubscribing by one click are not there once each.",
            "Please report it: this must not happen.",
        )
    value = str(found[0])
    address = value.strip().strip("<>")
    if any(mark in value for mark in ("\r", "\n", "=?")) or not value.startswith("<"):
        return problem(name, "List-Unsubscribe is folded or encoded.", "Choose a shorter base URL in plain letters.")
    if len(address) > _LONGEST_ADDRESS:
        return warning(
            name,
            f"The address in List-Unsubscribe has {len(address)} letters, and from 78 on mail servers may break it.",
            "Choose a shorter base URL.",
        )
    if not address.startswith("https:"):
        return skipped(name, "List-Unsubscribe is whole; providers use it once BASE_URL begins with https.")
    return ok(name, f"List-Unsubscribe is whole, with {len(address)} letters.")


def judge_links(html: str) -> Finding:
    """Whether each link and picture can be opened from a mail."""
    addresses = [link for _, attribute, link, _ in lxml.html.fromstring(html).iterlinks() if attribute]
    wrong = sorted({link for link in addresses if not _is_absolute(link)})
    if not wrong:
        return ok("digest.links", f"All its {len(addresses)} links and pictures have whole addresses.")
    listed = ", ".join(f"“{link[:60]}”" for link in wrong[:_SHOWN]) + (" …" if len(wrong) > _SHOWN else "")
    return problem(
        "digest.links",
        f"{len(wrong)} links lead nowhere from a mail: {listed}.",
        "Give whole addresses that begin with https:// in announcements and in your own templates.",
    )


def _is_absolute(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return (parts.scheme in ("http", "https") and bool(parts.netloc)) or (
        parts.scheme == "mailto" and "@" in parts.path
    )
