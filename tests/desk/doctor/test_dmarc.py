"""DMARC is found by walking up the names, and says whether the From, the envelope and the signature are one sender."""

from pathlib import Path

import pytest

from digestmail.desk.doctor import dmarc
from digestmail.desk.doctor.finding import Verdict
from digestmail.desk.doctor.policies import judge_dmarc
from tests.desk.doctor.zone import Zone, sender, verdicts

GOOD = "v=DMARC1; p=quarantine; rua=mailto:d@example.org"


def zone(**records: str) -> Zone:
    """DMARC records by domain, with `_` for a dot."""
    return Zone({(f"_dmarc.{domain.replace('_', '.')}", "TXT"): [text] for domain, text in records.items()})


def test_a_policy_of_the_domain_itself_is_fine() -> None:
    assert verdicts(judge_dmarc(zone(example_org=GOOD), sender())) == {
        "sender.dmarc": Verdict.OK,
        "sender.alignment": Verdict.OK,
    }


def test_the_policy_of_a_parent_domain_counts_and_is_named() -> None:
    found = {f.name: f for f in judge_dmarc(zone(example_org=GOOD), sender(domain="news.example.org"))}
    assert found["sender.dmarc"].verdict is Verdict.OK
    assert "_dmarc.example.org" in found["sender.dmarc"].found
    assert found["sender.alignment"].verdict is Verdict.OK


def test_a_parent_may_ask_for_something_else_for_what_is_below_it() -> None:
    [finding, *_] = judge_dmarc(zone(example_org=f"{GOOD}; sp=none"), sender(domain="news.example.org"))
    assert finding.verdict is Verdict.WARNING
    assert "is none" in finding.found


def test_no_policy_is_a_problem_that_says_what_to_publish() -> None:
    [finding] = judge_dmarc(Zone({}), sender())
    assert finding.verdict is Verdict.PROBLEM
    assert "_dmarc.example.org" in finding.remedy


def test_two_policies_are_none() -> None:
    [finding] = judge_dmarc(Zone({("_dmarc.example.org", "TXT"): [GOOD, GOOD]}), sender())
    assert finding.verdict is Verdict.PROBLEM
    assert "2 DMARC records" in finding.found


@pytest.mark.parametrize("record", ["v=DMARC1; rua=mailto:d@example.org", "v=DMARC1;p=none;rua=mailto:d@example.org"])
def test_a_policy_that_only_watches_is_a_warning(record: str) -> None:
    assert verdicts(judge_dmarc(zone(example_org=record), sender()))["sender.dmarc"] is Verdict.WARNING


def test_a_policy_without_reports_is_a_warning() -> None:
    found = verdicts(judge_dmarc(zone(example_org="v=DMARC1; p=reject"), sender()))
    assert found["sender.dmarc-reports"] is Verdict.WARNING


def test_an_envelope_of_another_domain_is_a_warning() -> None:
    found = {f.name: f for f in judge_dmarc(zone(example_org=GOOD), sender(bounces="relay.example.net"))}
    assert found["sender.alignment"].verdict is Verdict.WARNING
    assert "BOUNCES" in found["sender.alignment"].remedy


def test_a_signature_of_another_domain_is_a_problem() -> None:
    foreign = sender(keys=[(Path("key"), "s1")], signs="example.net")
    assert verdicts(judge_dmarc(zone(example_org=GOOD), foreign))["sender.alignment"] is Verdict.PROBLEM


def test_strict_alignment_takes_no_domain_below() -> None:
    below = sender(bounces="bounces.example.org")
    assert verdicts(judge_dmarc(zone(example_org=GOOD), below))["sender.alignment"] is Verdict.OK
    strict = zone(example_org=f"{GOOD}; aspf=s")
    assert verdicts(judge_dmarc(strict, below))["sender.alignment"] is Verdict.WARNING


def test_the_organization_ends_below_a_public_suffix_and_at_a_domain_that_says_so() -> None:
    assert dmarc.organizational(zone(org="v=DMARC1; psd=y"), "a.b.example.org") == "example.org"
    assert (
        dmarc.organizational(zone(b_example_org="v=DMARC1; psd=n", example_org=GOOD), "a.b.example.org")
        == "b.example.org"
    )
    assert dmarc.organizational(zone(a_example_org=GOOD, example_org=GOOD), "a.example.org") == "example.org"
    assert dmarc.organizational(Zone({}), "a.example.org") == "a.example.org"


def test_a_long_name_is_walked_in_eight_steps() -> None:
    asked = Zone({})
    assert dmarc.policy_for(asked, ".".join("abcdefghijk") + ".example.org") is None
    names = list(dict.fromkeys(name for name, _ in asked.asked))
    assert len(names) == 8
    assert names[1] == "_dmarc.g.h.i.j.k.example.org"
    assert names[-1] == "_dmarc.org"


@pytest.mark.parametrize("text", ["v=DMARC2; p=reject", "p=reject; v=DMARC1", "v=spf1 -all", "v = DMARC1", ""])
def test_what_does_not_begin_as_a_policy_is_none(text: str) -> None:
    found = dmarc.records_of(zone(example_org=text), "example.org")
    assert len(found) == (text == "v = DMARC1")
