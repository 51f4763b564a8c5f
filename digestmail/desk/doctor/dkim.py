"""Compares a key file for DKIM (RFC 6376, RFC 8463) with what the DNS says of its public half."""

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from digestmail.desk.doctor.finding import Finding, ok, problem, sentence, warning
from digestmail.desk.doctor.lookup import Lookup
from digestmail.errors import SettingsError
from digestmail.messages.signature import SigningKey

_NAME = "sender.dkim"
_SHORT = 2048


def judge_key(lookup: Lookup, path: Path, *, selector: str, domain: str) -> Finding:
    """Whether receivers can check what this key signs. Raises Unanswered."""
    at = f"{selector}._domainkey.{domain}"
    try:
        ours = SigningKey.read(path, selector)
    except SettingsError as error:
        return problem(_NAME, sentence(error, limit=500), "Mend that before the next start, which would be refused.")
    wanted = f"Publish at {at} this TXT record: {ours.record}"
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
    if isinstance(ours.key, RSAPrivateKey) and ours.key.key_size < _SHORT:
        found = f"The DKIM key at {at} is that of the key file and has {ours.key.key_size} bits."
        return warning(_NAME, found, f"Make one of {_SHORT} bits under a new selector.")
    return ok(_NAME, f"The DKIM record at {at} is that of the key file.")


def is_same(ours: SigningKey, published: str) -> bool:
    """Whether the p= of a record is the public half; RSA may stand there with its frame or without (RFC 6376)."""
    try:
        there = base64.b64decode("".join(published.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    if not isinstance(ours.key, RSAPrivateKey):
        return there == ours.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    public = ours.key.public_key()
    if there == public.public_bytes(Encoding.DER, PublicFormat.PKCS1):
        return True
    try:
        other = load_der_public_key(there)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(other, RSAPublicKey) and other.public_numbers() == public.public_numbers()


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}
