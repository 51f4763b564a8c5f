"""Compares a key file for DKIM (RFC 6376, RFC 8463) with what the DNS says of its public half."""

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from digestmail.desk.doctor.finding import Finding, ok, problem, warning
from digestmail.desk.doctor.lookup import Lookup

PublicKey = RSAPublicKey | Ed25519PublicKey

_NAME = "sender.dkim"
_SHORTEST = 1024
_SHORT = 2048


def judge_key(lookup: Lookup, path: Path, *, selector: str, domain: str) -> Finding:
    """Whether receivers can check what this key signs. Raises Unanswered."""
    at = f"{selector}._domainkey.{domain}"
    try:
        ours = read_key(path)
    except ValueError as error:
        return problem(_NAME, f"The key file {path} cannot be used: {error}.", "Make a key, or mend DKIM_KEY.")
    wanted = f"Publish at {at} this TXT record: {record_for(ours)}"
    records = [tags for text in lookup(at, "TXT") if "p" in (tags := _tags(text))]
    if not records:
        return problem(_NAME, f"There is no DKIM record at {at}, so every signature fails.", wanted)
    if len(records) > 1:
        return problem(_NAME, f"At {at} are {len(records)} DKIM records, and one counts.", "Leave one of them.")
    published = records[0]["p"]
    if not published:
        return problem(_NAME, f"The DKIM key at {at} is revoked (p= is empty).", wanted)
    if not is_same(ours, published):
        return problem(_NAME, f"The DKIM record at {at} is not that of the key file {path}.", wanted)
    if isinstance(ours, RSAPublicKey) and ours.key_size < _SHORT:
        found = f"The DKIM key at {at} is that of the key file and has {ours.key_size} bits."
        remedy = f"Make one of {_SHORT} bits under a new selector."
        return (problem if ours.key_size < _SHORTEST else warning)(_NAME, found, remedy)
    return ok(_NAME, f"The DKIM record at {at} is that of the key file.")


def read_key(path: Path) -> PublicKey:
    """The public half of a private key in PEM. Raises ValueError with a reason, without anything of the key."""
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ValueError(f"{error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("it holds no private key in PEM, or one with a password") from error
    if isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        return private.public_key()
    raise ValueError("it is neither an RSA nor an Ed25519 key")


def record_for(key: PublicKey) -> str:
    """The TXT record that a key's public half should have."""
    if isinstance(key, Ed25519PublicKey):  # RFC 8463, 4.2: the key alone, without a frame
        return f"v=DKIM1; k=ed25519; p={_text(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}"
    return f"v=DKIM1; k=rsa; p={_text(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))}"


def is_same(key: PublicKey, published: str) -> bool:
    """Whether the p= of a record is a key's public half; RSA may stand there with its frame or without (RFC 6376)."""
    try:
        there = base64.b64decode("".join(published.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    if isinstance(key, Ed25519PublicKey):
        return there == key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    if there == key.public_bytes(Encoding.DER, PublicFormat.PKCS1):
        return True
    try:
        other = load_der_public_key(there)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(other, RSAPublicKey) and other.public_numbers() == key.public_numbers()


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}
