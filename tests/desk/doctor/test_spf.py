"""An SPF record is read as a receiver reads it: one, whole, within ten lookups, and it lets the right ones send."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.desk.doctor import spf
from digestmail.desk.doctor.finding import Verdict
from digestmail.desk.doctor.policies import judge_spf
from digestmail.settings import Relay
from tests.desk.doctor.zone import Records, Zone, sender, verdicts

PUBLIC = ipaddress.ip_address("9.9.9.9")
PRIVATE = ipaddress.ip_address("10.0.0.7")


def txt(record: str, **others: str) -> Records:
    """Records of example.org, and of other names with `_` for a dot."""
    return {("example.org", "TXT"): [record]} | {
        (name.replace("_", "."), "TXT"): [text] for name, text in others.items()
    }


def test_one_good_record_is_fine_and_its_cost_is_counted() -> None:
    zone = Zone(
        txt("v=spf1 include:a.test include:b.test ~all", a_test="v=spf1 ip4:9.9.9.0/24 -all", b_test="v=spf1 mx -all")
    )
    found = {finding.name: finding for finding in judge_spf(zone, sender(), [PUBLIC])}
    assert {name: finding.verdict for name, finding in found.items()} == {
        "sender.spf": Verdict.OK,
        "sender.spf-lookups": Verdict.OK,
        "sender.spf-relay": Verdict.OK,
    }
    assert "costs 3 of at most 10" in found["sender.spf-lookups"].found


@pytest.mark.parametrize("texts", [[], ["something else"], ["v=spf10 -all"]])
def test_no_record_is_a_problem_that_says_where_to_publish_one(texts: list[str]) -> None:
    [finding] = judge_spf(Zone({("example.org", "TXT"): texts}), sender(), [PUBLIC])
    assert (finding.name, finding.verdict) == ("sender.spf", Verdict.PROBLEM)
    assert "TXT record at example.org" in finding.remedy


def test_two_records_are_a_problem() -> None:
    [finding] = judge_spf(Zone({("example.org", "TXT"): ["v=spf1 -all", "V=SPF1 mx -all"]}), sender(), [])
    assert finding.verdict is Verdict.PROBLEM
    assert "2 SPF records" in finding.found


def test_the_domain_of_the_envelope_counts_and_not_that_of_the_from() -> None:
    zone = Zone({("bounces.example.org", "TXT"): ["v=spf1 -all"]})
    assert verdicts(judge_spf(zone, sender(bounces="bounces.example.org"), []))["sender.spf"] is Verdict.OK


@pytest.mark.parametrize(
    "word", ["ip4:300.1.1.1", "ip6:9.9.9.9", "includes:a.test", "include:", "all:x", "mx/40", "a//129"]
)
def test_a_word_that_cannot_be_read_is_a_problem_and_named(word: str) -> None:
    [finding] = judge_spf(Zone(txt(f"v=spf1 {word} -all")), sender(), [PUBLIC])
    assert finding.verdict is Verdict.PROBLEM
    assert word.rstrip(":") in finding.found


@pytest.mark.parametrize("everybody", ["+all", "all", "+ALL"])
def test_a_record_that_lets_everybody_send_is_a_problem(everybody: str) -> None:
    assert verdicts(judge_spf(Zone(txt(f"v=spf1 mx {everybody}")), sender(), []))["sender.spf"] is Verdict.PROBLEM


def test_more_than_ten_lookups_through_includes_are_a_problem() -> None:
    nested = {f"i{number}_test": f"v=spf1 include:i{number + 1}.test ?all" for number in range(9)}
    zone = Zone(
        txt("v=spf1 a include:i0.test -all", **nested, i9_test="v=spf1 -all") | {("example.org", "A"): ["9.9.9.9"]}
    )
    found = {finding.name: finding for finding in judge_spf(zone, sender(), [])}
    assert found["sender.spf-lookups"].verdict is Verdict.PROBLEM
    assert "costs 11 lookups" in found["sender.spf-lookups"].found


def test_ten_lookups_are_not_too_many() -> None:
    zone = Zone(txt("v=spf1" + " mx:m.test" * 10 + " -all") | {("m.test", "MX"): ["10 h.test"]})
    assert verdicts(judge_spf(zone, sender(), []))["sender.spf-lookups"] is Verdict.OK


def test_more_than_two_names_that_do_not_exist_are_a_problem() -> None:
    zone = Zone(txt("v=spf1 a:x.test a:y.test mx:z.test -all"))
    assert verdicts(judge_spf(zone, sender(), []))["sender.spf-lookups"] is Verdict.PROBLEM


@pytest.mark.parametrize("included", ["v=spf1 nonsense", "v=spf1 include:example.org -all"])
def test_an_include_that_is_broken_or_leads_back_is_a_problem(included: str) -> None:
    zone = Zone(txt("v=spf1 include:a.test -all", a_test=included))
    assert verdicts(judge_spf(zone, sender(), []))["sender.spf-lookups"] is Verdict.PROBLEM


RECORDS: Records = {
    ("example.org", "A"): ["9.9.9.9"],
    ("example.org", "AAAA"): ["2620:fe::9"],
    ("example.org", "MX"): ["10 mx.test", "5 mx2.test"],
    ("mx.test", "A"): ["8.8.8.8"],
    ("there.test", "A"): ["127.0.0.2"],
    ("ok.test", "TXT"): ["v=spf1 ip4:9.9.9.9 -all"],
    ("no.test", "TXT"): ["v=spf1 -all"],
}


@pytest.mark.parametrize(
    ("record", "address", "result"),
    [
        ("v=spf1 a -all", "9.9.9.9", "pass"),
        ("v=spf1 a/24 -all", "9.9.9.1", "pass"),
        ("v=spf1 a:example.org//32 -all", "2620:fe::1", "pass"),
        ("v=spf1 mx -all", "8.8.8.8", "pass"),
        ("v=spf1 mx -all", "9.9.9.9", "fail"),
        ("v=spf1 ip6:2620:fe::/32 ~all", "2620:fe::9", "pass"),
        ("v=spf1 ip6:2620:fe::/32 ~all", "9.9.9.9", "softfail"),
        ("v=spf1 exists:there.test -all", "9.9.9.9", "pass"),
        ("v=spf1 exists:%{i}.test -all", "9.9.9.9", "unknown"),
        ("v=spf1 ptr -all", "9.9.9.9", "unknown"),
        ("v=spf1 include:ok.test -all", "9.9.9.9", "pass"),
        ("v=spf1 include:no.test ?all", "9.9.9.9", "neutral"),
        ("v=spf1 redirect=ok.test", "9.9.9.9", "pass"),
        ("v=spf1 -all redirect=ok.test", "9.9.9.9", "fail"),
        ("v=spf1 redirect=ok.test exp=why.test", "8.8.8.8", "fail"),
        ("v=spf1", "9.9.9.9", "neutral"),
        ("v=spf1 include:example.org -all", "9.9.9.9", "fail"),
    ],
)
def test_what_a_receiver_finds_for_an_address(record: str, address: str, result: str) -> None:
    zone = Zone(RECORDS | {("example.org", "TXT"): [record]})
    assert spf.result_of(zone, "example.org", ipaddress.ip_address(address)) == result


def test_a_relay_that_is_not_named_is_a_warning_since_it_may_send_from_elsewhere() -> None:
    found = verdicts(judge_spf(Zone(txt("v=spf1 -all")), sender(), [PUBLIC]))
    assert found["sender.spf-relay"] is Verdict.WARNING


def test_a_machine_that_delivers_by_itself_and_is_not_named_is_a_problem() -> None:
    itself = sender(relay=Relay("127.0.0.1", 25, "plain"))
    assert verdicts(judge_spf(Zone(txt("v=spf1 -all")), itself, [PUBLIC]))["sender.spf-relay"] is Verdict.PROBLEM


@pytest.mark.parametrize("addresses", [[], [PRIVATE]])
def test_a_relay_without_a_public_address_is_not_judged(addresses: list[ipaddress.IPv4Address]) -> None:
    assert verdicts(judge_spf(Zone(txt("v=spf1 -all")), sender(), addresses))["sender.spf-relay"] is Verdict.SKIPPED


@given(st.text(alphabet="+-~?ailncudepmxrt46:/=.%{}v1 ", max_size=60))
def test_whatever_stands_in_a_record_is_read_or_refused(words: str) -> None:
    zone = Zone({("example.org", "TXT"): [f"v=spf1 {words}"]})
    assert len(list(judge_spf(zone, sender(), [PUBLIC]))) in (1, 3)
