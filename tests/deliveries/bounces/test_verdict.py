"""What servers say is hard, soft or policy, by the code where there is a good one, else by the words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.deliveries.bounces.phrases import said, says_delayed
from digestmail.deliveries.bounces.report import Verdict
from digestmail.deliveries.bounces.verdict import judge

HARD, SOFT, POLICY = Verdict.HARD, Verdict.SOFT, Verdict.POLICY


@pytest.mark.parametrize(
    ("status", "diagnostic", "verdict"),
    [
        ("5.1.1", "", HARD),
        ("5.1.2 (bad destination system)", "", HARD),
        ("5.1.3", "", HARD),
        ("5.1.6", "", HARD),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", HARD),
        ("5.4.4", "Host or domain name not found. Name service error for name=gone.example type=MX", HARD),
        ("5.0.0", "550 5.1.1 The email account that you tried to reach does not exist", HARD),
        ("5.4.4", "Name service error: Malformed or unexpected name server reply", SOFT),
        ("5.0.0", "554 delivery error: dd This user doesn't have a mail.example account", HARD),
        ("5.0.0", "550 User [r0@example.org] does not exist", HARD),
        ("", "550 unknown user", HARD),
        ("", "550 no mailbox here by that name", HARD),
        ("", "Unrouteable address", HARD),
        ("5.2.1", "550 5.2.1 mailbox disabled", SOFT),
        ("5.2.1", "550 5.2.1 This user does not exist any more", HARD),
        ("5.2.2", "552 5.2.2 mailbox full", SOFT),
        ("5.0.0", "552 over quota", SOFT),
        ("5.1.1", "550 user's mailbox is over quota", SOFT),
        ("5.4.7", "delivery time expired", SOFT),
        ("4.4.7", "", SOFT),
        ("4.4.1", "connection timed out", SOFT),
        ("4.1.1", "450 4.1.1 user unknown", SOFT),
        ("5.0.0", "450 user unknown", SOFT),
        ("5.0.0", "550 Requested action not taken: mailbox unavailable", SOFT),
        ("5.0.0", "", SOFT),
        ("", "", SOFT),
        ("5.7.1", "550 5.7.1 No such user here", POLICY),
        ("5.7.26", "550 5.7.26 This mail is unauthenticated", POLICY),
        ("5.1.1", "550 5.7.1 blocked using zen.spamhaus.org", POLICY),
        ("5.1.1", "550 blocked using zen.spamhaus.org", POLICY),
        ("5.1.8", "553 5.1.8 Domain of sender address does not exist", POLICY),
        ("5.0.0", "550 Sender address rejected: Domain not found", POLICY),
        ("5.2.3", "message too large", POLICY),
        ("5.3.4", "", POLICY),
        ("5.6.0", "", POLICY),
        ("5.0.0", "554 Relay access denied", POLICY),
        ("5.0.0", "550 SPF check failed", POLICY),
    ],
)
def test_what_a_failure_means(status: str, diagnostic: str, verdict: Verdict) -> None:
    assert judge(status=status, diagnostic=diagnostic).verdict is verdict


@pytest.mark.parametrize(
    ("action", "verdict"),
    [
        ("delayed", Verdict.DELAYED),
        ("Delayed (will retry)", Verdict.DELAYED),
        ("delivered", Verdict.DELIVERED),
        ("relayed", Verdict.DELIVERED),
        ("expanded", Verdict.DELIVERED),
        ("failed", HARD),
        ("", HARD),
    ],
)
def test_only_a_failure_is_a_bounce(action: str, verdict: Verdict) -> None:
    assert judge(status="5.1.1", action=action).verdict is verdict


def test_the_better_code_is_kept() -> None:
    assert judge(status="5.0.0", diagnostic="550 5.1.1 unknown").status == "5.1.1"
    assert judge(status="5.1.1", diagnostic="550 unknown").status == "5.1.1"
    assert judge(status="5.2.2", diagnostic="550 5.0.0 no").status == "5.2.2"


@pytest.mark.parametrize("numbers", ["192.5.1.1", "5.1.1.9", "15.1.1", "version 5.1"])
def test_a_number_that_is_no_code_is_none(numbers: str) -> None:
    assert judge(diagnostic=f"from {numbers}").status == ""


def test_where_the_fields_tell_nothing_the_text_does() -> None:
    assert judge(status="5.0.0", text="The user account does not exist.").verdict is HARD
    assert judge(status="5.0.0", diagnostic="554 message looping", text="unknown user").verdict is HARD


@given(st.text(max_size=5000), st.text(max_size=60))
def test_any_words_have_a_verdict(text: str, status: str) -> None:
    assert judge(status=status, diagnostic=text, text=text).verdict in Verdict
    said(text)
    says_delayed(text)
