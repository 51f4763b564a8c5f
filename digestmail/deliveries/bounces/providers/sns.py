"""Amazon's notification service (SNS): what shows that a message is from one of our topics, and agreeing to get them.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from digestmail.deliveries.bounces.providers.event import RefusedError, UnreadableError, text

Fetch = Callable[[str], bytes]
"""Gets what lies at an address; raises DigestmailError where it cannot."""

_HOST = re.compile(r"sns\.[a-z0-9-]{2,40}\.amazonaws\.com(?:\.cn)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,80}\.pem")
_HASHES = {"1": SHA1, "2": SHA256}
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_KEPT = 8


class Topics:
    """The topics that we listen to; what is from any other is refused before anything is fetched for it."""

    def __init__(self, topics: Sequence[str], fetch: Fetch) -> None:
        self._topics = frozenset(topics)
        self._fetch = fetch
        self._keys: dict[str, tuple[RSAPublicKey, datetime]] = {}
        self._lock = Lock()

    def message(self, envelope: Any, *, now: datetime) -> str | None:
        """The message of a notification; None where it asks us to confirm that we want them, which is done then.

        Raises RefusedError, UnreadableError and, where Amazon cannot be reached, DigestmailError.
        """
        names = _SIGNED.get(text(envelope, "Type"))
        if names is None:
            raise UnreadableError("it is no notification")
        if text(envelope, "TopicArn") not in self._topics:
            raise RefusedError("the topic is not in DIGESTMAIL_SES_TOPICS")
        self._verify(envelope, names, now=now)
        if text(envelope, "Type") == "Notification":
            message = envelope["Message"]
            return message if isinstance(message, str) else ""
        self._fetch(_amazons(text(envelope, "SubscribeURL")))
        return None

    def _verify(self, envelope: Any, names: Sequence[str], *, now: datetime) -> None:
        signed = "".join(f"{name}\n{envelope[name]}\n" for name in names if isinstance(envelope.get(name), str))
        hash_ = _HASHES.get(text(envelope, "SignatureVersion"))
        if hash_ is None:
            raise RefusedError("the signature is of an unknown version")
        url = _amazons(text(envelope, "SigningCertURL"))
        if not _CERTIFICATE.fullmatch(urlsplit(url).path) or urlsplit(url).query:
            raise RefusedError("its certificate is not where Amazon's are")
        key = self._key(url, now=now)
        try:
            signature = b64decode(text(envelope, "Signature"), validate=True)
            key.verify(signature, signed.encode("utf-8", "replace"), PKCS1v15(), hash_())
        except (InvalidSignature, ValueError) as error:
            raise RefusedError("the signature does not hold") from error

    def _key(self, url: str, *, now: datetime) -> RSAPublicKey:
        with self._lock:
            known = self._keys.get(url)
        if known and now < known[1]:
            return known[0]
        try:
            certificate = x509.load_pem_x509_certificate(self._fetch(url))
        except ValueError as error:
            raise RefusedError("there is no certificate at its address") from error
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey) or not (
            certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
        ):
            raise RefusedError("its certificate is not valid")
        with self._lock:
            if len(self._keys) >= _KEPT:
                self._keys.clear()
            self._keys[url] = key, certificate.not_valid_after_utc
        return key


def _amazons(url: str) -> str:
    """The address, if it is one of Amazon's. Raises RefusedError."""
    try:
        parts = urlsplit(url)
        ours = parts.scheme == "https" and parts.netloc == parts.hostname and _HOST.fullmatch(parts.hostname or "")
    except ValueError:
        ours = None
    if not ours:
        raise RefusedError("its certificate or its confirmation is not at Amazon's")
    return url
