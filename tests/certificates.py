"""A certificate authority of the tests' own, for servers on this machine."""

import ssl
from functools import cache
from pathlib import Path

import pytest
import trustme


@cache
def authority() -> trustme.CA:
    """One for all tests of a process: keys cost time."""
    return trustme.CA(organization_name="digestmail tests")


def server_context(*names: str) -> ssl.SSLContext:
    """What a server shows that is called `names`, or 127.0.0.1 and localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
    return context


def trust_authority(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make `ssl.create_default_context` trust it, as it trusts the system's authorities; for the length of a test."""
    path = folder / "authority.pem"
    authority().cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
