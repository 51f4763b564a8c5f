"""A signature holds for somebody else's verifier, covers what must not be forged, and breaks where that is changed."""

from pathlib import Path
from typing import Literal

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from digestmail.errors import SettingsError
from digestmail.messages.signature import Signer, SigningKey
from digestmail.settings import load_settings
from digestmail.store.states import MailFormat
from tests.messages.samples import PUBLICATION, compose, composer_of, content_of, parsed, story

RSA = SigningKey(generate_private_key(public_exponent=65537, key_size=1024), "s2026")
ED25519 = SigningKey(Ed25519PrivateKey.generate(), "e2026")
DOMAIN = PUBLICATION.domain
SIGNER = Signer([RSA, ED25519], DOMAIN)
DIGEST = compose(composer_of(content_of(story(1, 1, title="Ein Haus für Überflüssiges"), story(2, 2))), 1, 2)

DNS = {f"{key.selector}._domainkey.{DOMAIN}.": key.record.encode() for key in (RSA, ED25519)}


def verdicts(data: bytes) -> list[bool]:
    """What an independent verifier says of each signature, in the order of the message."""
    count = data.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature:")
    return [_holds(data, number) for number in range(count)]


def _holds(data: bytes, number: int) -> bool:
    try:
        return bool(dkim.DKIM(data).verify(number, dnsfunc=lambda name, timeout=5: DNS.get(name.decode())))
    except dkim.DKIMException:
        return False


def test_a_digest_is_signed_with_each_key() -> None:
    assert verdicts(SIGNER.sign(DIGEST).data) == [True, True]


def test_a_digest_in_text_alone_is_signed_too() -> None:
    message = compose(composer_of(content_of(story(1, 1))), 1, mail_format=MailFormat.TEXT)
    assert verdicts(SIGNER.sign(message).data) == [True, True]


def test_the_message_itself_stays_as_it_is_and_is_signed_alike_on_every_attempt() -> None:
    signed = SIGNER.sign(DIGEST)
    assert signed.data.endswith(DIGEST.data)
    assert signed == SIGNER.sign(DIGEST)
    assert max(map(len, SIGNER.signatures(DIGEST.data).split(b"\r\n"))) <= 78


def test_without_a_key_nothing_is_signed() -> None:
    assert Signer([], DOMAIN).sign(DIGEST) is DIGEST


def test_all_that_a_mail_program_acts_on_is_covered() -> None:
    value = str(parsed(SIGNER.sign(DIGEST))["DKIM-Signature"])
    [covered] = [part.strip()[2:] for part in value.split(";") if part.strip().startswith("h=")]
    names = covered.replace(" ", "").split(":")
    for name in ("from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post"):
        assert names.count(name) == 2, name
    assert {"list-id", "content-type", "reply-to", "feedback-id"} <= set(names)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"List-Unsubscribe: <https://", b"List-Unsubscribe: <http://"),
        (b"One-Click", b"Two-Click"),
        (b"Subject: ", b"Subject: Not "),
        (b"excerpt", b"except"),
        (b"From: ", b"From: x@evil.example\r\nFrom: "),
        (b"List-Unsubscribe: ", b"List-Unsubscribe: <https://evil.example>\r\nList-Unsubscribe: "),
        (b"MIME-Version", b"Reply-To: x@evil.example\r\nMIME-Version"),
    ],
)
def test_it_breaks_where_somebody_changes_or_adds_something(old: bytes, new: bytes) -> None:
    signed = SIGNER.sign(DIGEST).data
    assert old in signed
    assert verdicts(signed.replace(old, new, 1)) == [False, False]


def test_it_survives_what_mail_servers_do_to_headers() -> None:
    signed = SIGNER.sign(DIGEST).data
    changed = signed.replace(b"List-Id: ", b"LIST-ID:   ", 1).replace(
        b"List-Unsubscribe: <", b"List-Unsubscribe:\r\n <", 1
    )
    assert verdicts(b"Received: from a by b; now\r\n" + changed) == [True, True]


@given(
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=200),
    st.binary(max_size=300).map(lambda body: body.replace(b"\r", b"").replace(b"\n", b"\r\n")),
)
def test_any_message_is_signed(subject: str, body: bytes) -> None:
    head = f"From: a@courier.example\r\nSubject: {subject}\r\n  and more\r\n\r\n".encode()
    assert verdicts(SIGNER.sign(DIGEST._replace(data=head + body)).data) == [True, True]


def write_key(path: Path, key: object) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))  # type: ignore[attr-defined]
    return path


def test_the_settings_name_the_keys(tmp_path: Path) -> None:
    rsa, ed25519 = write_key(tmp_path / "rsa.pem", RSA.key), write_key(tmp_path / "ed.pem", ED25519.key)
    settings = load_settings(
        {"DIGESTMAIL_DKIM_KEY": f"{rsa},{ed25519}", "DIGESTMAIL_DKIM_SELECTOR": "s2026,e2026"}, folder=tmp_path
    )
    assert verdicts(Signer.of(settings, domain=DOMAIN).sign(DIGEST).data) == [True, True]


@pytest.mark.parametrize(
    ("what", "mend"),
    [
        ("missing", "No such file"),
        ("nonsense", "openssl genrsa"),
        ("elliptic", "use RSA or Ed25519"),
    ],
)
def test_a_key_that_cannot_sign_stops_the_start(
    tmp_path: Path, what: Literal["missing", "nonsense", "elliptic"], mend: str
) -> None:
    path = tmp_path / "dkim.pem"
    if what == "nonsense":
        path.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    if what == "elliptic":
        write_key(path, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(SettingsError, match="DIGESTMAIL_DKIM_KEY") as caught:
        SigningKey.read(path, "s2026")
    assert mend in str(caught.value)
