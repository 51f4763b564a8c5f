import ipaddress

import pytest

from digestmail.feeds.addresses import is_public, resolve, unwrapped, usable


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.5.5",
        "192.168.0.1",
        "192.0.0.8",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2001:db8::1",
        "2001:0:53aa::1",
        "2001:20::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_it_refuses_what_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9", "64:ff9b::909:909", "2002:909:909::1"])
def test_it_accepts_what_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_an_allowed_network_counts_in_every_spelling() -> None:
    addresses = [ipaddress.ip_address(text) for text in ("10.1.2.3", "::ffff:10.1.2.3", "10.2.0.1", "127.0.0.1")]
    allowed = [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00::/8")]
    assert usable(addresses, allowed=allowed, loopback=False) == addresses[:2]


def test_loopback_lets_this_machine_pass_and_nothing_else() -> None:
    addresses = [ipaddress.ip_address(text) for text in ("127.0.0.1", "::1", "10.0.0.1", "169.254.169.254")]
    assert usable(addresses, allowed=[], loopback=True) == addresses[:2]


def test_numbers_for_a_host_are_read_as_the_system_reads_them() -> None:
    assert list(resolve("2130706433", 80)) == [ipaddress.ip_address("127.0.0.1")]
    assert unwrapped(ipaddress.ip_address("::ffff:127.0.0.1")) == ipaddress.ip_address("127.0.0.1")
