"""Composes the mail that tells the operator which feeds need somebody, and which are well again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from digestmail.language import english
from digestmail.messages.frame import Frame
from digestmail.messages.keys import ALWAYS
from digestmail.messages.message import Message, notice_id
from digestmail.messages.mime import alternative, date_header, header, mailbox_header, text_header
from digestmail.messages.pieces import Marks, Pieces
from digestmail.messages.prose import one_line, web_address
from digestmail.messages.publication import Publication
from digestmail.messages.template import render, render_subject
from digestmail.store.states import Trouble

SHOWN = 40
"""More than that is counted in one line: the operator's page has it all."""

_NAMED = 3
_LONGEST_NAME = 80
_LONGEST_IN_SUBJECT = 40
_LONGEST_TEXT = 600

_LABELS = {
    Trouble.GONE: "Gone",
    Trouble.FAILING: "Failing",
    Trouble.QUARANTINE: "Waits for you",
    Trouble.SILENT: "Silent",
    None: "Well again",
}
_REMEDIES = {
    Trouble.GONE: "If it lives on at another address, add that one: digestmail feed add URL --topic SLUG",
    Trouble.FAILING: "It is tried again by itself. To see what it answers now: digestmail feed check URL",
    Trouble.QUARANTINE: "Decide on the operator's page, or by digestmail feed let-through URL or mark-seen URL; "
    "until then no digest shows them.",
    Trouble.SILENT: "Look at its site: where that has something newer, the feed is broken; else it only rests.",
    None: "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that the operator is told; without a `feed_id` it is about all feeds."""

    feed_id: int | None
    name: str
    url: str
    trouble: Trouble | None
    text: str
    """Sentences; they may begin with the name."""


@dataclass(frozen=True, slots=True)
class _Entry:
    label: str
    name: str
    rest: str
    url: str
    remedy: str


def compose_notice(
    told: Iterable[Told],
    *,
    known: Sequence[str],
    notices: Iterable[int],
    recipient: str,
    publication: Publication,
    installation: str,
    date_at: datetime,
) -> Message:
    """The mail about `told`. `known` names feeds that are in trouble still and were told of before.

    `notices` are the numbers of what is told: the same ones make the same Message-ID.
    """
    in_order = sorted(told, key=lambda one: (one.feed_id is not None, _rank(one.trouble), one.name.casefold()))
    bad = [one for one in in_order if one.trouble]
    well = [one for one in in_order if not one.trouble]
    about_all = bool(bad) and bad[0].feed_id is None
    marks = Marks()
    values = {
        "headline": "No feed can be read" if about_all else _headline(bad or well, well=not bad),
        "bad": [_entry(one) for one in bad[:SHOWN]],
        "well": [_entry(one) for one in well[:SHOWN]],
        "hidden": max(0, len(bad) - SHOWN) + max(0, len(well) - SHOWN),
        "known": _names(known),
    }
    rendering = render("notice", marker=marks, publication=publication, language=english(), **values)
    text, html = (Pieces(form, marks, {}) for form in (rendering.text, rendering.html))
    names = "" if about_all else _names([one.name for one in bad or well], limit=_LONGEST_IN_SUBJECT)
    identity = notice_id(notices, installation=installation, domain=publication.domain)
    head = (
        mailbox_header("From", publication.sender_name, publication.sender_address)
        + header("To", recipient)
        + text_header(
            "Subject", render_subject("notice", publication=publication, language=english(), names=names, **values)
        )
        + header("Message-ID", identity)
        + date_header(date_at)
        + header("Auto-Submitted", "auto-generated")  # RFC 3834
    )
    frame = Frame([head, *alternative(text.around([ALWAYS]), html.around([ALWAYS]))], {})
    return Message(
        message_id=identity,
        sender=publication.sender_address,
        recipient=recipient,
        data=frame.filled(b"", {}),
        wire_ready=text.wire_ready and html.wire_ready,
    )


def _rank(trouble: Trouble | None) -> int:
    return len(Trouble) if trouble is None else list(Trouble).index(trouble)


def _headline(told: Sequence[Told], *, well: bool) -> str:
    one = len(told) == 1
    feeds = f"{len(told):,} {'feed' if one else 'feeds'}"
    return f"{feeds} {'is' if one else 'are'} well again" if well else f"{feeds} {'needs' if one else 'need'} you"


def _names(names: Sequence[str], *, limit: int = _LONGEST_NAME) -> str:
    """A few names, each on one line, and how many there are besides."""
    shown = [one_line(name, limit=limit) for name in names[:_NAMED]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _entry(one: Told) -> _Entry:
    name, text = one_line(one.name, limit=_LONGEST_NAME), one_line(one.text, limit=_LONGEST_TEXT)
    named = bool(name) and text.startswith(name)
    return _Entry(
        label=_LABELS[one.trouble],
        name=name if named else "",
        rest=text.removeprefix(name) if named else text,
        url=web_address(one.url),
        remedy=_REMEDIES[one.trouble] if one.feed_id is not None else "",
    )
