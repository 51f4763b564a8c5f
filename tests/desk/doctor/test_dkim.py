"""A key file is held against the record under its selector, and what is wrong is said with the record to publish."""

import base64
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from digestmail.desk.doctor.dkim import judge_key
from digestmail.desk.doctor.finding import Finding, Verdict
from digestmail.desk.doctor.policies import judge_dkim
from digestmail.messages.signature import SigningKey
from tests.desk.doctor.zone import Zone, sender

AT = "s1._domainkey.example.org"


@cache
def rsa_key(bits: int = 2048, which: int = 0) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def keep(folder: Path, key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, password: bytes | None = None) -> Path:
    path = folder / "dkim.pem"
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return path


def judge(path: Path, *records: str) -> Finding:
    return judge_key(Zone({(AT, "TXT"): records}), path, selector="s1", domain="example.org")


@pytest.mark.parametrize("key", [rsa_key(), ed25519.Ed25519PrivateKey.generate()], ids=["rsa", "ed25519"])
def test_the_record_that_belongs_to_a_key_is_fine(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    path = keep(tmp_path, key)
    assert judge(path, SigningKey.read(path, "s1").record).verdict is Verdict.OK


def test_a_record_may_hold_the_bare_rsa_key_and_spaces(tmp_path: Path) -> None:
    bare = base64.b64encode(rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)).decode()
    assert judge(keep(tmp_path, rsa_key()), f"v=DKIM1; p={bare[:70]} {bare[70:]}").verdict is Verdict.OK


def test_the_record_of_another_key_is_a_problem_that_shows_the_right_one(tmp_path: Path) -> None:
    path = keep(tmp_path, rsa_key())
    finding = judge(path, SigningKey(rsa_key(which=1), "s1").record)
    assert finding.verdict is Verdict.PROBLEM
    assert SigningKey.read(path, "s1").record in finding.remedy


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "no DKIM record"),
        (["v=DKIM1; k=rsa; p="], "revoked"),
        (["v=DKIM1; p=%%%"], "is not that of the key file"),
        (["v=DKIM1; p=AAAA"], "is not that of the key file"),
        (["v=DKIM1; p=AAAA", "v=DKIM1; p=BBBB"], "2 DKIM records"),
    ],
)
def test_a_record_that_is_missing_or_of_no_use_is_a_problem(tmp_path: Path, records: list[str], words: str) -> None:
    finding = judge(keep(tmp_path, rsa_key()), *records)
    assert finding.verdict is Verdict.PROBLEM
    assert words in finding.found


def test_a_short_key_is_a_warning(tmp_path: Path) -> None:
    path = keep(tmp_path, rsa_key(1024))
    finding = judge(path, SigningKey.read(path, "s1").record)
    assert finding.verdict is Verdict.WARNING
    assert "1024 bits" in finding.found


def test_a_file_that_holds_no_key_is_a_problem_and_shows_nothing_of_it(tmp_path: Path) -> None:
    secret = "VERYSECRETWORDS"
    path = tmp_path / "key.pem"
    path.write_text(f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n")
    elliptic = ec.generate_private_key(ec.SECP256R1())
    other = tmp_path / "ec.pem"
    other.write_bytes(elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    locked = keep(tmp_path, rsa_key(), b"password")
    for each in (path, other, locked, tmp_path / "nothing.pem"):
        finding = judge(each)
        assert finding.verdict is Verdict.PROBLEM
        assert str(each) in finding.found
        assert secret not in finding.found + finding.remedy


def test_each_key_has_a_finding_and_none_means_that_the_relay_must_sign(tmp_path: Path) -> None:
    keys = [(keep(tmp_path, rsa_key()), "s1"), (keep(tmp_path, rsa_key()), "s2")]
    zone = Zone({("s2._domainkey.example.org", "TXT"): [SigningKey(rsa_key(), "s2").record]})
    assert [f.verdict for f in judge_dkim(zone, sender(keys=keys))] == [Verdict.PROBLEM, Verdict.OK]
    [finding] = judge_dkim(zone, sender())
    assert finding.verdict is Verdict.SKIPPED
    assert "the mail server must sign" in finding.found
