"""What every mail says about its publisher, as values."""

from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path

from digestmail.address import domain_of
from digestmail.messages.look import Look
from digestmail.messages.prose import one_line
from digestmail.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The publisher as readers see it. `url` is the address of the reader pages, without a slash at its end."""

    name: str
    url: str
    sender: str
    """The From of digests, `Name <address>`."""
    sender_of_letters: str
    """The From of the letters about the subscription itself."""
    bounces: str | None
    """The envelope sender, with a * where the token of a delivery goes; None for the bare address of the From."""
    postal_address: str
    time_zone: str
    look: Look = Look()  # noqa: RUF009 - it is frozen
    templates: Path | None = None
    """The publisher's own templates."""

    @classmethod
    def of(cls, settings: Settings) -> "Publication":
        """The publication that the settings describe."""
        return cls(
            name=one_line(settings.site_name, limit=80),
            url=settings.public_url,
            sender=settings.sender,
            sender_of_letters=settings.sender_of_letters,
            bounces=settings.bounce_pattern,
            postal_address=one_line(
                ", ".join(line.strip(" ,") for line in settings.postal_address.splitlines()), limit=300
            ),
            time_zone=settings.default_time_zone,
            look=Look.of(settings),
            templates=settings.templates,
        )

    @property
    def sender_name(self) -> str:
        """The name in `sender`, or the publication's own."""
        return parseaddr(self.sender)[0] or self.name

    @property
    def sender_address(self) -> str:
        """The bare address in `sender`."""
        return parseaddr(self.sender)[1]

    @property
    def domain(self) -> str:
        """The domain of `sender`, which ends Message-IDs and the List-Id."""
        return domain_of(self.sender_address)
