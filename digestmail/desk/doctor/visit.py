"""The doctor's visit: which checks an installation gets, and with which instruments they look."""

import smtplib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import quote, urlsplit

from sqlalchemy import make_url

from digestmail.clock import Clock
from digestmail.deliveries.greeting import conversation
from digestmail.deliveries.single import send_single
from digestmail.desk.doctor.broker import Client, connect_redis, look_at_broker
from digestmail.desk.doctor.digest import find_preview, judge_digest
from digestmail.desk.doctor.examine import Check, once
from digestmail.desk.doctor.finding import Finding, Group, skipped
from digestmail.desk.doctor.hosts import own_addresses
from digestmail.desk.doctor.identity import Sender
from digestmail.desk.doctor.lookup import Address, Lookup, Resolver
from digestmail.desk.doctor.machine import look_at_folder, look_at_secret
from digestmail.desk.doctor.records import Records, records_checks
from digestmail.desk.doctor.relay import Converse, look_at_relay
from digestmail.desk.doctor.sender import sender_checks
from digestmail.desk.doctor.site import Ask, ask_http, certificate_ends, look_at_site
from digestmail.desk.doctor.spam import Filters, installed_filters, spam_checks
from digestmail.desk.doctor.trial import send_trial
from digestmail.desk.preview import Preview
from digestmail.desk.service import relay_of
from digestmail.messages.message import Message
from digestmail.messages.publication import Publication
from digestmail.messages.signature import Signer
from digestmail.settings import Relay, Settings

_ANSWER_SECONDS = 5.0


def _converse(relay: Relay) -> AbstractContextManager[smtplib.SMTP]:
    return conversation(relay, seconds=_ANSWER_SECONDS)


def _send(relay: Relay, message: Message) -> None:
    send_single(relay, message, seconds=_ANSWER_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """Whatever reaches out of the process; as it is by default, to the world."""

    lookup: Lookup = field(default_factory=Resolver)
    own_addresses: Callable[[], Sequence[Address]] = own_addresses
    converse: Converse = _converse
    send: Callable[[Relay, Message], None] = _send
    connect_redis: Callable[[str], Client] = connect_redis
    ask: Ask = ask_http
    certificate_ends: Callable[[str, int], datetime | None] = certificate_ends
    filters: Filters = field(default_factory=installed_filters)
    wait: Callable[[float], None] = time.sleep


def checks_of(
    settings: Settings,
    clock: Clock,
    *,
    instruments: Instruments,
    only: Collection[Group] = (),
    send_to: str | None = None,
) -> list[Check]:
    """The checks of some groups, or of all; nothing is sent unless `send_to` says to whom."""
    records = Records(settings)
    preview = once(lambda: find_preview(records, now=clock(), recipient=send_to or "reader@example.org"))
    checks = [
        *_outside(settings, clock, instruments),
        Check("machine.secret", lambda: look_at_secret(settings)),
        Check("machine.folder", lambda: [look_at_folder(settings.data_dir)]),
        *records_checks(records, clock),
        Check(
            "machine.broker",
            lambda: look_at_broker(settings.redis_url, connect=instruments.connect_redis, wait=instruments.wait),
        ),
        Check("digest.html", lambda: judge_digest(preview())),
        *spam_checks(preview, instruments.filters),
    ]
    chosen = [check for check in checks if not only or check.group in only]
    if send_to:
        chosen.append(Check("test.mail", lambda: [_send_trial(preview(), settings, clock(), instruments)]))
    order = list(Group)
    return sorted(chosen, key=lambda check: order.index(check.group))


def _send_trial(preview: Preview | Finding, settings: Settings, now: datetime, instruments: Instruments) -> Finding:
    relay = relay_of(settings)

    def send(message: Message) -> None:
        signer = Signer.of(settings, domain=Publication.of(settings).domain)
        instruments.send(relay, signer.sign(message))

    return send_trial(preview, now=now, where=f"{relay.host}:{relay.port}", stays=settings.relay is None, send=send)


def without_secrets(findings: Iterable[Finding], settings: Settings) -> list[Finding]:
    """The findings without the passwords and the secret of the settings, should an error have spoken of one."""
    urls = (make_url(settings.database).password, urlsplit(settings.redis_url or "").password)
    secrets = {settings.secret_key, settings.relay and settings.relay.password, *urls} - {None, ""}
    hidden = sorted({form for secret in secrets for form in (str(secret), quote(str(secret), safe=""))}, key=len)

    def hide(text: str) -> str:
        for secret in reversed(hidden):
            text = text.replace(secret, "•••")
        return text

    return [replace(finding, found=hide(finding.found), remedy=hide(finding.remedy)) for finding in findings]


def _outside(settings: Settings, clock: Clock, instruments: Instruments) -> Iterator[Check]:
    """What matters once mail leaves this machine: the sender's domain, the mail server and the address of the pages."""
    relay = settings.relay
    if relay is None:
        stays = "Mail stays on this machine, in the local inbox"
        remedy = "Set DIGESTMAIL_SMTP_URL to have it leave, and run the doctor again."
        yield Check("sender.domain", lambda: [skipped("sender.domain", f"{stays}, so nobody asks for the domain.")])
        yield Check("relay.reach", lambda: [skipped("relay.reach", f"{stays}.", remedy)])
    else:
        sender = Sender.of(settings, relay)
        yield from sender_checks(sender, instruments.lookup, own_addresses=instruments.own_addresses)
        yield Check("relay.reach", lambda: _look_at_relay(relay, clock, instruments))
    yield Check("site.reach", lambda: _look_at_site(settings, clock, instruments))


def _look_at_relay(relay: Relay, clock: Clock, instruments: Instruments) -> Iterator[Finding]:
    return look_at_relay(relay, clock, converse=instruments.converse)


def _look_at_site(settings: Settings, clock: Clock, instruments: Instruments) -> Iterator[Finding]:
    return look_at_site(
        settings.public_url,
        clock,
        mail_leaves=settings.relay is not None,
        ask=instruments.ask,
        expires_at=instruments.certificate_ends,
    )
