import ipaddress

import httpcore2
import pytest

from digestmail.feeds.connection import Deadline, PinnedBackend


def test_a_deadline_that_has_passed_is_an_error() -> None:
    assert 0 < Deadline(5).left() <= 5
    with pytest.raises(TimeoutError):
        Deadline(0).left()


def test_a_bounded_call_gives_its_result_or_its_exception() -> None:
    assert Deadline(5).bound(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        Deadline(5).bound(lambda: 1 / 0)


def test_it_connects_to_its_addresses_whatever_the_host_is_called() -> None:
    backend = PinnedBackend([ipaddress.ip_address("127.0.0.2")], Deadline(5))
    with pytest.raises(httpcore2.ConnectError):
        backend.connect_tcp("example.org", 9)


def test_nothing_is_connected_after_the_deadline() -> None:
    backend = PinnedBackend([ipaddress.ip_address("127.0.0.1")], Deadline(0))
    with pytest.raises(TimeoutError):
        backend.connect_tcp("example.org", 9)
