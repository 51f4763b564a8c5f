"""The hosts behind the sender's domain, and what is said where the name servers are away."""

import ipaddress

import pytest

from digestmail.desk.doctor.examine import examine
from digestmail.desk.doctor.finding import Finding, Verdict
from digestmail.desk.doctor.hosts import judge_mx, judge_ptr
from digestmail.desk.doctor.identity import Sender
from digestmail.desk.doctor.sender import domain_is_invented, sender_checks
from digestmail.settings import Relay, load_settings
from tests.desk.doctor.zone import RELAY, Zone, sender, verdicts

ADDRESS = ipaddress.ip_address("9.9.9.9")
ITSELF = Relay("127.0.0.1", 25, "plain")
PTR = ("9.9.9.9.in-addr.arpa", "PTR")
MX = ("example.org", "MX")
HOST = {("mx.example.org", "A"): ["9.9.9.9"]}


@pytest.mark.parametrize(
    ("records", "verdict", "words"),
    [
        ({MX: ["10 mx.example.org"]} | HOST, Verdict.OK, "goes to mx.example.org"),
        ({MX: ["0 ."]}, Verdict.PROBLEM, "null MX"),
        ({MX: ["10 gone.example.org"]}, Verdict.PROBLEM, "gone.example.org"),
        ({MX: ["10 mx.example.org", "20 gone.example.org"]} | HOST, Verdict.WARNING, "names gone.example.org"),
        ({("example.org", "AAAA"): ["2620:fe::9"]}, Verdict.WARNING, "no MX record"),
        ({}, Verdict.PROBLEM, "neither an MX"),
    ],
)
def test_answers_must_have_somewhere_to_go(
    records: dict[tuple[str, str], list[str]], verdict: Verdict, words: str
) -> None:
    [finding] = judge_mx(Zone(records), sender())
    assert finding.verdict is verdict
    assert words in finding.found


def test_the_domain_of_bounces_is_looked_at_too() -> None:
    zone = Zone({MX: ["10 mx.example.org"]} | HOST)
    found = verdicts(judge_mx(zone, sender(bounces="bounces.example.org")))
    assert found == {"sender.mx": Verdict.OK, "sender.mx-bounces": Verdict.PROBLEM}


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        ({PTR: ["mx.example.org"]} | HOST, Verdict.OK),
        ({}, Verdict.PROBLEM),
        ({PTR: ["mx.example.org"]}, Verdict.PROBLEM),
        ({PTR: ["mx.example.org"], ("mx.example.org", "A"): ["8.8.8.8"]}, Verdict.PROBLEM),
    ],
)
def test_a_machine_that_delivers_needs_a_name_that_leads_back(
    records: dict[tuple[str, str], list[str]], verdict: Verdict
) -> None:
    [finding] = judge_ptr(Zone(records), sender(relay=ITSELF), [ADDRESS])
    assert finding.verdict is verdict


def test_where_another_delivers_or_the_address_is_private_no_name_is_asked_for() -> None:
    private = [ipaddress.ip_address("10.0.0.1")]
    for found in (judge_ptr(Zone({}), sender(), [ADDRESS]), judge_ptr(Zone({}), sender(relay=ITSELF), private)):
        assert [finding.verdict for finding in found] == [Verdict.SKIPPED]


def look(zone: Zone, who: Sender) -> list[Finding]:
    return examine(sender_checks(who, zone, own_addresses=lambda: [ADDRESS]))


def test_name_servers_that_are_away_are_one_finding_and_not_thirty() -> None:
    [finding] = look(Zone({}, silent=["example.org", "."]), sender())
    assert (finding.name, finding.verdict) == ("sender.dns", Verdict.PROBLEM)


def test_where_only_our_own_name_servers_are_away_that_is_said_of_each_check() -> None:
    found = look(Zone({}, silent=["example.org", "_dmarc.example.org"]), sender())
    unknown = {finding.name for finding in found if "could not be looked at" in finding.found}
    assert unknown == {"sender.spf", "sender.dmarc", "sender.mx"}


def test_all_checks_of_a_good_domain_are_fine() -> None:
    zone = Zone(
        {
            MX: ["10 mx.example.org"],
            ("example.org", "TXT"): ["v=spf1 ip4:9.9.9.9 -all"],
            ("_dmarc.example.org", "TXT"): ["v=DMARC1; p=reject; rua=mailto:d@example.org"],
            PTR: ["mx.example.org"],
        }
        | HOST
    )
    found = verdicts(look(zone, sender(relay=ITSELF)))
    assert found.pop("sender.dkim") is Verdict.SKIPPED
    assert set(found.values()) == {Verdict.OK}


@pytest.mark.parametrize("domain", ["localhost.localdomain", "lamplight.example", "courier", "a.test", "b.home.arpa"])
def test_a_domain_that_cannot_exist_is_the_one_problem(domain: str) -> None:
    [finding] = look(Zone({}), sender(domain=domain))
    assert (finding.name, finding.verdict) == ("sender.domain", Verdict.PROBLEM)
    assert "DIGESTMAIL_SENDER" in finding.remedy


def test_a_real_domain_is_not_taken_for_an_invented_one() -> None:
    assert not any(map(domain_is_invented, ("example.org", "thelocal.se", "latest.org")))


def test_the_sender_is_read_from_the_settings() -> None:
    settings = load_settings(
        {
            "DIGESTMAIL_SENDER": "The Courier <digest@News.Example.org>",
            "DIGESTMAIL_BOUNCES": "*@bounces.example.org",
            "DIGESTMAIL_DKIM_KEY": "/keys/a.pem, /keys/b.pem",
            "DIGESTMAIL_DKIM_SELECTOR": "a,b",
            "DIGESTMAIL_DKIM_DOMAIN": "Example.org",
        }
    )
    found = Sender.of(settings, RELAY)
    assert (found.domain, found.bounces, found.signs) == ("news.example.org", "bounces.example.org", "example.org")
    assert [(path.name, selector) for path, selector in found.keys] == [("a.pem", "a"), ("b.pem", "b")]
