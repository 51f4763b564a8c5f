"""A server to fetch from, and a fetcher that may."""

import ipaddress
from collections.abc import Iterator

import pytest

from digestmail.feeds.fetch import Fetcher
from tests.feeds.server import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    """An HTTP server on the loopback interface."""
    with serving() as server:
        yield server


@pytest.fixture
def fetcher() -> Fetcher:
    """A fetcher that may ask this machine."""
    return Fetcher(allowed_networks=[ipaddress.ip_network("127.0.0.0/8")], contact_url="https://digest.example/")
