"""Signs messages (DKIM, RFC 6376 and RFC 8463), where the mail server that takes them does not.

Headers are signed in their relaxed form and the body as it is: it is quoted-printable, so nobody on the way has a
reason to touch its white space. All that a mail program acts on is signed, both headers of one-click unsubscribing
among it (RFC 8058, 4); what must stand there once is named once more than it does, so that nobody can add a second.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from digestmail.errors import SettingsError
from digestmail.messages.message import Message
from digestmail.settings import Settings

_ONCE = ("from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post")
_NEVER = ("cc", "reply-to", "sender")
_WHERE_PRESENT = (
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-id",
    "feedback-id",
    "auto-submitted",
)

_FEWEST_BITS = 1024  # RFC 8301, 3.2
_WHITE_SPACE = re.compile(rb"[ \t\r\n]+")
_HEADER_ENDS = re.compile(rb"\r\n(?![ \t])")
_COLUMNS = 68
_HEAD = "DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/simple;\r\n d={domain}; s={key.selector};"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and the selector under which its public half stands in the DNS."""

    key: RSAPrivateKey | Ed25519PrivateKey
    selector: str

    @classmethod
    def read(cls, path: Path, selector: str) -> Self:
        """The key in a PEM file. Raises SettingsError where that has none that signs mail."""
        name = f"DIGESTMAIL_DKIM_KEY is “{path}”"
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise SettingsError(f"{name}, which cannot be read: {error.strerror}.") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SettingsError(
                f"{name}, which holds no private key in PEM without a password. "
                "Make one with: openssl genrsa -out dkim.pem 2048"
            ) from error
        if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
            raise SettingsError(f"{name}, a key of a kind that signs no mail: use RSA or Ed25519.")
        if isinstance(key, RSAPrivateKey) and key.key_size < _FEWEST_BITS:
            raise SettingsError(f"{name}, a key of {key.key_size} bits, which receivers refuse: use 2048.")
        return cls(key, selector)

    @property
    def algorithm(self) -> str:
        """As a signature names it."""
        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    @property
    def record(self) -> str:
        """The TXT record that tells receivers the public half (RFC 6376, 3.6.1)."""
        if isinstance(self.key, RSAPrivateKey):
            public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return f"v=DKIM1; k=rsa; p={b64encode(public).decode('ascii')}"
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={b64encode(raw).decode('ascii')}"

    def sign(self, content: bytes) -> bytes:
        """The signature over the content's SHA-256."""
        digest = hashlib.sha256(content).digest()
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(digest, PKCS1v15(), Prehashed(SHA256()))
        return self.key.sign(digest)


class Signer:
    """Signs the messages of one domain with each of its keys; without a key it leaves them as they are."""

    def __init__(self, keys: Sequence[SigningKey], domain: str) -> None:
        self._heads = [(key, _HEAD.format(key=key, domain=domain).encode("ascii")) for key in keys]

    @classmethod
    def of(cls, settings: Settings, *, domain: str) -> Self:
        """The signer that the settings describe; `domain` is the sender's.

        Raises SettingsError for a key file that cannot be used.
        """
        named = zip(settings.dkim_key, settings.dkim_selector, strict=True)
        return cls([SigningKey.read(path, selector) for path, selector in named], settings.dkim_domain or domain)

    def sign(self, message: Message) -> Message:
        """The message with its signatures before all else; the same for the same message."""
        if not self._heads:
            return message
        return message._replace(data=self.signatures(message.data) + message.data)

    def signatures(self, data: bytes) -> bytes:
        """The headers to put before a message (RFC 5322, lines end in CRLF)."""
        head, _, body = data.partition(b"\r\n\r\n")
        names, signed = _canonical(head)
        body_hash = b64encode(hashlib.sha256(body.rstrip(b"\r\n") + b"\r\n").digest())
        tail = b"\r\n h=" + _folded(b":".join(names), b":") + b";\r\n bh=" + body_hash + b";\r\n b="
        return b"".join(self._signature(key, first + tail, signed) for key, first in self._heads)

    @staticmethod
    def _signature(key: SigningKey, unsigned: bytes, signed: bytes) -> bytes:
        value = key.sign(signed + _relaxed(unsigned))
        return unsigned + b"\r\n ".join(_pieces(b64encode(value))) + b"\r\n"


def _canonical(head: bytes) -> tuple[list[bytes], bytes]:
    """The names of the headers to sign, and their relaxed forms, each with a CRLF (RFC 6376, 3.4.2)."""
    found: dict[bytes, bytes] = {}
    for line in _HEADER_ENDS.split(head):
        found[line.partition(b":")[0].strip().lower()] = line
    present = [name for name in map(str.encode, (*_ONCE, *_WHERE_PRESENT)) if name in found]
    names = [*present, *map(str.encode, (*_ONCE, *_NEVER))]
    return names, b"".join(_relaxed(found[name]) + b"\r\n" for name in present)


def _relaxed(line: bytes) -> bytes:
    name, _, value = line.partition(b":")
    return name.strip().lower() + b":" + _WHITE_SPACE.sub(b" ", value).strip()


def _folded(value: bytes, after: bytes) -> bytes:
    """The value in lines that end behind `after`."""
    lines = [b""]
    for part in value.split(after):
        if len(lines[-1]) + len(part) >= _COLUMNS:
            lines.append(b"")
        lines[-1] += part + after
    return b"\r\n ".join(lines).removesuffix(after)


def _pieces(value: bytes) -> Iterable[bytes]:
    return (value[start : start + _COLUMNS] for start in range(0, len(value), _COLUMNS))
