"""What counts as a mail address: the form we write to, the key we compare by, and the form shown in logs."""

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from digestmail.errors import InputError
from digestmail.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Address:
    """A deliverable address.

    `text` is what goes into the envelope: the local part as typed, the domain in lower case and punycode (RFC 5890).
    `key` is equal for spellings that differ in case alone, and is what makes a subscriber unique.
    """

    text: str
    key: str


def parse_address(typed: str) -> Address:
    """Read an address that a person typed.

    Raises InputError (field `email`) when no mail can be sent to it. Local parts outside ASCII need SMTPUTF8
    (RFC 6531), which few relays offer, and are refused with that reason.
    """
    typed = typed.strip()
    if not typed:
        raise InputError(Sentence("Please give your mail address."), field="email")
    try:
        valid = validate_email(
            typed, check_deliverability=False, test_environment=True, allow_smtputf8=True, strict=True
        )
    except EmailNotValidError as error:
        raise InputError(_fault(typed), field="email") from error
    if valid.ascii_email is None:
        raise InputError(Sentence("Only letters from a to z can stand before the @ so far."), field="email")
    text = valid.ascii_email
    return Address(text=text, key=text.lower())


def _fault(typed: str) -> Sentence:
    """What is wrong with an address, as far as its reader can mend it."""
    local, at, domain = typed.rpartition("@")
    if not at:
        return Sentence("This does not look like a mail address: it needs an @, as in ann@example.org.")
    if local and "." not in domain.strip("."):
        return Sentence("This does not look like a mail address: what follows the @ needs a dot, as in example.org.")
    return Sentence("This does not look like a mail address. Please look for a slip in it.")


def domain_of(address: str) -> str:
    """The part after the last @."""
    return address.rpartition("@")[2]


def shortened(address: str) -> str:
    """An address as logs show it: `an…@example.org`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:2]}…@{domain}"
