"""Who our mail says that it is from, and whose servers carry it: what receivers hold against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path

from digestmail.address import domain_of
from digestmail.settings import Relay, Settings, is_this_machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who our mail says that it is from."""

    domain: str
    """That of the From."""
    bounces: str
    """That of the envelope, for which SPF speaks."""
    relay: Relay
    keys: Sequence[tuple[Path, str]] = ()
    """Of each DKIM key the file and the selector."""
    signs: str = ""
    """The domain that signs (d=)."""

    @classmethod
    def of(cls, settings: Settings, relay: Relay) -> "Sender":
        """The sender that the settings name."""
        domain = domain_of(parseaddr(settings.sender)[1]).lower()
        pattern = settings.bounce_pattern
        return cls(
            domain=domain,
            bounces=domain_of(pattern).lower() if pattern else domain,
            relay=relay,
            keys=tuple(zip(settings.dkim_key, settings.dkim_selector, strict=True)),
            signs=settings.dkim_domain or domain,
        )

    @property
    def delivers_itself(self) -> bool:
        """Whether the mail server is on this machine, so that receivers see this machine's address."""
        return is_this_machine(self.relay.host)
