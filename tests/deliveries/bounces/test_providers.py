"""What providers tell is believed when their signature holds, and understood as what it is."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.providers.configured import webhooks
from digestmail.deliveries.bounces.providers.event import Call, RefusedError, UnreadableError, Webhook
from digestmail.deliveries.bounces.report import Nature, Verdict
from digestmail.errors import FeedError, SettingsError
from digestmail.messages.envelope import ReturnAddress
from digestmail.settings import load_settings
from tests.deliveries.bounces.letters import READER, our_headers
from tests.messages.samples import PUBLICATION, TOKENS

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OURS = ReturnAddress(PUBLICATION, TOKENS).of(7)
MESSAGE_ID = our_headers().split("Message-ID: ")[1].partition("\n")[0]
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem"
CURVE = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
SECRETS = {
    "DIGESTMAIL_SES_TOPICS": TOPIC,
    "DIGESTMAIL_POSTMARK_SECRET": "digestmail:a-long-password-here",
    "DIGESTMAIL_SENDGRID_KEY": base64.b64encode(
        CURVE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode(),
    "DIGESTMAIL_MAILGUN_KEY": "key-0123456789abcdef",
}


def certificate(*, days: int = 10) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(RSA.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=20))
        .not_valid_after(NOW - timedelta(days=10) + timedelta(days=days))
        .sign(RSA, SHA256())
        .public_bytes(Encoding.PEM)
    )


class Amazon:
    """What lies at Amazon's addresses."""

    def __init__(self) -> None:
        self.pages = {CERTIFICATE: certificate(days=20)}
        self.fetched: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.fetched.append(url)
        if url not in self.pages:
            raise FeedError("There is nothing.")
        return self.pages[url]


@pytest.fixture
def amazon() -> Amazon:
    return Amazon()


@pytest.fixture
def hooks(amazon: Amazon) -> Mapping[str, Webhook]:
    return webhooks(load_settings(SECRETS), Proofs(PUBLICATION, TOKENS), fetch=amazon)


def postmark(event: Any, password: str = SECRETS["DIGESTMAIL_POSTMARK_SECRET"]) -> Call:
    return Call(json.dumps(event).encode(), {"authorization": "Basic " + base64.b64encode(password.encode()).decode()})


def sendgrid(events: Any, *, change: bytes = b"") -> Call:
    body = json.dumps(events).encode()
    signature = CURVE.sign(b"1795430000" + body, ec.ECDSA(SHA256()))
    return Call(
        body + change,
        {
            "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
            "x-twilio-email-event-webhook-timestamp": "1795430000",
        },
    )


def mailgun(
    event: Any, *, at: datetime = NOW, token: str = "t" * 50, key: str = SECRETS["DIGESTMAIL_MAILGUN_KEY"]
) -> Call:
    timestamp = str(int(at.timestamp()))
    signature = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    signed = {"timestamp": timestamp, "token": token, "signature": signature}
    return Call(json.dumps({"signature": signed, "event-data": event}).encode(), {})


def sns(message: Any, *, version: str = "2", kind: str = "Notification", **changes: str) -> Call:
    fields = {
        "Type": kind,
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "TopicArn": TOPIC,
        "Message": json.dumps(message),
        "Timestamp": "2026-11-23T11:59:00.000Z",
    }
    if kind != "Notification":
        fields |= {"Token": "abc", "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"}
    fields |= {name: value for name, value in changes.items() if name in fields}
    signed = "".join(f"{name}\n{fields[name]}\n" for name in sorted(fields))
    signature = RSA.sign(signed.encode(), PKCS1v15(), {"1": SHA1(), "2": SHA256()}[version])
    outer = {
        "SignatureVersion": version,
        "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": CERTIFICATE,
    }
    return Call(json.dumps(fields | outer | changes).encode(), {})


def ses_bounce(kind: str, subtype: str, **row: str) -> dict[str, Any]:
    bounced = {"emailAddress": READER, **row}
    return {
        "notificationType": "Bounce",
        "bounce": {"bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": [bounced], "feedbackId": "f1"},
        "mail": {"source": OURS, "headers": [{"name": "Message-ID", "value": MESSAGE_ID}]},
    }


def ses_complaint(kind: str) -> dict[str, Any]:
    complaint = {"complainedRecipients": [{"emailAddress": READER}], "complaintFeedbackType": kind, "feedbackId": "f2"}
    return {"eventType": "Complaint", "complaint": complaint, "mail": {"source": OURS}}


def mailgun_event(event: str = "failed", **more: Any) -> dict[str, Any]:
    ids = {"envelope": {"sender": OURS}, "message": {"headers": {"message-id": MESSAGE_ID.strip("<>")}}}
    return {"event": event, "recipient": READER, **ids, **more}


HARD, SOFT, POLICY = Verdict.HARD, Verdict.SOFT, Verdict.POLICY
SAID = {"delivery-status": {"code": 550, "message": "5.1.1 user unknown"}}
FULL = {"delivery-status": {"code": 552, "enhanced-code": "5.2.2", "message": "mailbox full"}}
SENDGRID = {"email": READER, "smtp-id": MESSAGE_ID, "sg_event_id": "e1", "timestamp": 1795430000}


@pytest.mark.parametrize(
    ("provider", "call", "verdict"),
    [
        (
            "ses",
            sns(ses_bounce("Permanent", "General", status="5.1.1", diagnosticCode="smtp; 550 5.1.1 unknown")),
            HARD,
        ),
        ("ses", sns(ses_bounce("Permanent", "General", diagnosticCode="smtp; 550 5.7.1 blocked"), version="1"), POLICY),
        ("ses", sns(ses_bounce("Permanent", "NoEmail")), HARD),
        ("ses", sns(ses_bounce("Permanent", "OnAccountSuppressionList")), HARD),
        ("ses", sns(ses_bounce("Transient", "MailboxFull")), SOFT),
        ("ses", sns(ses_bounce("Transient", "General", status="4.4.7")), SOFT),
        ("ses", sns(ses_bounce("Transient", "ContentRejected")), POLICY),
        ("postmark", postmark({"RecordType": "Bounce", "Type": "HardBounce", "Email": READER, "ID": 42}), HARD),
        (
            "postmark",
            postmark({"RecordType": "Bounce", "Type": "HardBounce", "Email": READER, "Details": "550 spam"}),
            POLICY,
        ),
        ("postmark", postmark({"RecordType": "Bounce", "Type": "SoftBounce", "Email": READER}), SOFT),
        ("postmark", postmark({"RecordType": "Bounce", "Type": "SpamNotification", "Email": READER}), POLICY),
        ("sendgrid", sendgrid([SENDGRID | {"event": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no"}]), HARD),
        (
            "sendgrid",
            sendgrid([SENDGRID | {"event": "bounce", "type": "blocked", "status": "5.0.0", "reason": "554 no"}]),
            POLICY,
        ),
        ("sendgrid", sendgrid([SENDGRID | {"event": "dropped", "reason": "Bounced Address"}]), SOFT),
        ("sendgrid", sendgrid([SENDGRID | {"event": "dropped", "reason": "Invalid"}]), HARD),
        ("mailgun", mailgun(mailgun_event(severity="permanent", **SAID)), HARD),
        ("mailgun", mailgun(mailgun_event(severity="permanent", **FULL)), SOFT),
        ("mailgun", mailgun(mailgun_event(severity="permanent", reason="suppress-bounce", **SAID)), SOFT),
    ],
)
def test_a_bounce_is_understood(hooks: Mapping[str, Webhook], provider: str, call: Call, verdict: Verdict) -> None:
    [report] = hooks[provider].reports(call, now=NOW)
    [returned] = report.returned
    assert (report.nature, report.source, returned.verdict) == (Nature.BOUNCE, provider, verdict)
    assert returned.addresses == {READER}
    assert report.proof.addressed
    if provider != "postmark":  # it tells nothing that we gave it
        assert report.proof.delivery_id == 7 or report.proof.message_name


@pytest.mark.parametrize(
    ("provider", "call"),
    [
        ("ses", sns(ses_complaint("abuse"))),
        ("postmark", postmark({"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": READER})),
        ("sendgrid", sendgrid([SENDGRID | {"event": "spamreport"}])),
        ("sendgrid", sendgrid([SENDGRID | {"event": "dropped", "reason": "Spam Reporting Address"}])),
        ("mailgun", mailgun(mailgun_event("complained"))),
        ("mailgun", mailgun(mailgun_event(reason="suppress-complaint"))),
    ],
)
def test_a_complaint_is_understood(hooks: Mapping[str, Webhook], provider: str, call: Call) -> None:
    [report] = hooks[provider].reports(call, now=NOW)
    assert (report.nature, report.returned[0].addresses) == (Nature.COMPLAINT, {READER})


@pytest.mark.parametrize(
    ("provider", "call"),
    [
        ("ses", sns(ses_bounce("Transient", "General"))),
        ("ses", sns(ses_complaint("not-spam"))),
        ("ses", sns({"notificationType": "Delivery"})),
        ("ses", sns("a topic that is tried out")),
        ("postmark", postmark({"RecordType": "Bounce", "Type": "AutoResponder", "Email": READER})),
        ("postmark", postmark({"RecordType": "Open", "Email": READER})),
        ("sendgrid", sendgrid([SENDGRID | {"event": "open"}, SENDGRID | {"event": "delivered"}, None, 7])),
        ("mailgun", mailgun(mailgun_event("opened"))),
        ("mailgun", mailgun(None)),
    ],
)
def test_what_is_no_bounce_is_nothing(hooks: Mapping[str, Webhook], provider: str, call: Call) -> None:
    assert hooks[provider].reports(call, now=NOW) == []


def test_what_is_only_delayed_is_no_bounce(hooks: Mapping[str, Webhook]) -> None:
    calls = {
        "mailgun": mailgun(mailgun_event(severity="temporary", **SAID)),
        "sendgrid": sendgrid([SENDGRID | {"event": "deferred", "response": "451 try again"}]),
        "postmark": postmark({"RecordType": "Bounce", "Type": "Transient", "Email": READER}),
    }
    for provider, call in calls.items():
        assert [report.nature for report in hooks[provider].reports(call, now=NOW)] == [Nature.DELAYED]


BOUNCE = ses_bounce("Permanent", "NoEmail")


@pytest.mark.parametrize(
    ("provider", "call"),
    [
        ("postmark", postmark({}, "digestmail:wrong")),
        ("postmark", Call(b"{}", {})),
        ("postmark", Call(b"{}", {"authorization": "Basic \xff"})),
        ("sendgrid", sendgrid([], change=b" ")),
        ("sendgrid", Call(b"[]", {})),
        ("sendgrid", Call(b"[]", {"x-twilio-email-event-webhook-signature": "?"})),
        ("mailgun", mailgun({}, key="key-another-one-here")),
        ("mailgun", mailgun({}, at=NOW - timedelta(hours=13))),
        ("mailgun", mailgun({}, at=NOW + timedelta(hours=1))),
        ("mailgun", Call(b"[]", {})),
        ("ses", sns(BOUNCE, TopicArn="arn:aws:sns:eu-west-1:999999999999:bounces")),
        ("ses", sns(BOUNCE, Signature="AAAA")),
        ("ses", sns(BOUNCE, Signature="?")),
        ("ses", sns(BOUNCE, SignatureVersion="1")),
        ("ses", sns(BOUNCE, SignatureVersion="3")),
        ("ses", sns(BOUNCE, SigningCertURL="https://evil.example/SimpleNotificationService-0123abcd.pem")),
        ("ses", sns(BOUNCE, SigningCertURL="https://sns.eu-west-1.amazonaws.com.evil.example/x.pem")),
        ("ses", sns(BOUNCE, SigningCertURL="https://a@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem")),
        ("ses", sns(BOUNCE, SigningCertURL="https://sns.eu-west-1.amazonaws.com:444/SimpleNotificationService-0.pem")),
        ("ses", sns(BOUNCE, SigningCertURL=CERTIFICATE.replace("https", "http"))),
        ("ses", sns(BOUNCE, SigningCertURL="https://sns.eu-west-1.amazonaws.com/?Action=x.pem")),
        ("ses", sns(BOUNCE, SigningCertURL="https://[")),
    ],
)
def test_what_is_not_signed_as_it_should_is_refused(hooks: Mapping[str, Webhook], provider: str, call: Call) -> None:
    with pytest.raises(RefusedError):
        hooks[provider].reports(call, now=NOW)


def test_nothing_is_fetched_for_a_topic_that_is_not_ours(hooks: Mapping[str, Webhook], amazon: Amazon) -> None:
    with pytest.raises(RefusedError):
        hooks["ses"].reports(sns({}, kind="SubscriptionConfirmation", TopicArn=TOPIC + "x"), now=NOW)
    assert amazon.fetched == []


def test_a_certificate_is_fetched_once_and_must_be_valid(hooks: Mapping[str, Webhook], amazon: Amazon) -> None:
    for _ in range(3):
        assert hooks["ses"].reports(sns(BOUNCE), now=NOW)
    assert amazon.fetched == [CERTIFICATE]
    with pytest.raises(RefusedError, match="not valid"):
        hooks["ses"].reports(sns(BOUNCE), now=NOW + timedelta(days=30))
    amazon.pages[CERTIFICATE] = b"no certificate"
    with pytest.raises(RefusedError, match="no certificate"):
        hooks["ses"].reports(sns(BOUNCE), now=NOW + timedelta(days=30))


def test_a_subscription_to_our_topic_is_confirmed(hooks: Mapping[str, Webhook], amazon: Amazon) -> None:
    address = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    amazon.pages[address] = b"<ok/>"
    assert hooks["ses"].reports(sns({}, kind="SubscriptionConfirmation"), now=NOW) == []
    assert amazon.fetched == [CERTIFICATE, address]
    with pytest.raises(RefusedError):
        hooks["ses"].reports(sns({}, kind="SubscriptionConfirmation", SubscribeURL="https://evil.example/"), now=NOW)
    assert amazon.fetched[2:] == []


def test_a_mailgun_signature_is_good_for_the_same_words_alone(hooks: Mapping[str, Webhook]) -> None:
    for _ in range(2):
        assert hooks["mailgun"].reports(mailgun(mailgun_event(**SAID)), now=NOW)
    with pytest.raises(RefusedError):
        hooks["mailgun"].reports(mailgun(mailgun_event(**SAID) | {"recipient": "r1@example.org"}), now=NOW)


HERE = webhooks(load_settings(SECRETS), Proofs(PUBLICATION, TOKENS), fetch=Amazon())


@pytest.mark.parametrize("provider", ["ses", "mailgun"])
@settings(max_examples=30)
@given(body=st.binary(max_size=60) | st.recursive(st.none() | st.text(), st.lists, max_leaves=5).map(json.dumps))
def test_any_body_is_refused_in_order(provider: str, body: bytes | str) -> None:
    with pytest.raises((RefusedError, UnreadableError)):
        HERE[provider].reports(Call(body if isinstance(body, bytes) else body.encode(), {}), now=NOW)


def test_only_those_with_a_secret_exist_and_a_wrong_one_stops_the_start() -> None:
    proofs = Proofs(PUBLICATION, TOKENS)
    assert dict(webhooks(load_settings({}), proofs, fetch=Amazon())) == {}
    one = {"DIGESTMAIL_MAILGUN_KEY": SECRETS["DIGESTMAIL_MAILGUN_KEY"]}
    assert list(webhooks(load_settings(one), proofs, fetch=Amazon())) == ["mailgun"]
    for name, value in {
        "SES_TOPICS": "bounces",
        "POSTMARK_SECRET": "short:one",
        "SENDGRID_KEY": "?",
        "MAILGUN_KEY": "x",
    }.items():
        with pytest.raises(SettingsError, match=name) as caught:
            load_settings({f"DIGESTMAIL_{name}": value})
        assert value not in str(caught.value) or name == "SES_TOPICS" or len(value) < 2
    other = base64.b64encode(RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    for key in (other, "AAAA" * 8):
        with pytest.raises(SettingsError, match="SENDGRID_KEY"):
            webhooks(load_settings({"DIGESTMAIL_SENDGRID_KEY": key}), proofs, fetch=Amazon())
