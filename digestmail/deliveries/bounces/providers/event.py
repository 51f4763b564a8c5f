"""What the webhooks of all providers have in common: a call, why it is refused, and careful reading of JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from digestmail.deliveries.bounces.dsn import shortened_reason
from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.report import Nature, Report, Returned, Verdict
from digestmail.deliveries.bounces.verdict import judge


class RefusedError(Exception):
    """It cannot be shown that the provider sent this: nothing of it is believed."""

    def __init__(self, why: str, *, ask_for_password: bool = False) -> None:
        super().__init__(why)
        self.ask_for_password = ask_for_password


class UnreadableError(Exception):
    """The provider sent it, and it cannot be read."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a webhook. The names of headers are in small letters."""

    body: bytes
    headers: Mapping[str, str]


class Webhook(Protocol):
    """What one provider may tell."""

    def reports(self, call: Call, *, now: datetime) -> list[Report]:
        """What a call tells. Raises RefusedError or UnreadableError."""


def read_json(body: bytes | str) -> Any:
    """The JSON of a body. Raises UnreadableError."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("the body is no JSON") from error


def text(value: Any, *path: str) -> str:
    """The string or number at a path of names, or ""."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value[:4000]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def rows(value: Any, *path: str) -> list[Any]:
    """The list at a path of names, or an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, list) else []


def instant(value: str) -> datetime | None:
    """An instant in ISO 8601 or in seconds since 1970; None where it is neither."""
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def said(address: str, *, status: str = "", diagnostic: str = "", verdict: Verdict | None = None) -> Returned:
    """What a provider says of an address: its own verdict, or one by the receiving server's words."""
    judged = judge(status=status, diagnostic=diagnostic)
    return Returned(
        verdict or judged.verdict,
        frozenset({address.strip().strip("<>").lower()}),
        judged.status,
        shortened_reason(diagnostic),
    )


def report(
    source: str,
    *returned: Returned,
    proofs: Proofs,
    identity: str,
    at: datetime | None,
    told: str = "",
    complaint: bool = False,
) -> Report:
    """A report of a provider. `told` is where our envelope sender or Message-ID may stand."""
    bounced = any(each.verdict.bounced for each in returned)
    nature = Nature.COMPLAINT if complaint else Nature.BOUNCE if bounced else Nature.DELAYED
    return Report(
        nature=nature, source=source, returned=returned, proof=proofs.of_event(told), identity=identity, at=at
    )
