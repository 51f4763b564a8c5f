"""The mail server is spoken with up to where a message would begin, and each thing that it says is judged."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digestmail.clock import system_clock
from digestmail.deliveries.greeting import conversation
from digestmail.desk.doctor.finding import Finding, Verdict
from digestmail.desk.doctor.relay import LARGEST, Session, judge_extensions, judge_size, judge_tls, look_at_relay
from digestmail.settings import Relay
from tests.certificates import server_context, trust_authority
from tests.deliveries.carry import always
from tests.desk.doctor.zone import verdicts
from tests.relay import FakeRelay, running
from tests.services import free_port

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
EVERYTHING = {"pipelining": True, "eightbit": True, "enhanced": True}


def look(relay: Relay) -> list[Finding]:
    return list(look_at_relay(relay, system_clock, converse=conversation))


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tests' authority is one of the system's."""
    trust_authority(monkeypatch, tmp_path)


def login(server: FakeRelay, password: str = "word") -> Relay:
    return Relay("127.0.0.1", server.relay.port, "starttls", "ann", password)


@pytest.mark.usefixtures("trusted")
def test_a_good_mail_server_is_fine_in_everything_and_gets_no_mail() -> None:
    with running(starttls=server_context(), auth={"ann": "word"}, **EVERYTHING) as server:
        found = verdicts(look(login(server)))
        assert set(found) == {
            "relay.reach",
            "relay.tls",
            "relay.certificate",
            "relay.auth",
            "relay.extensions",
            "relay.size",
        }
        assert set(found.values()) == {Verdict.OK}
        assert not {"MAIL", "RCPT", "DATA"} & {line.split()[0].upper() for line in server.heard}


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_a_problem_that_does_not_show_it() -> None:
    with running(starttls=server_context(), auth={"ann": "word"}, **EVERYTHING) as server:
        [finding] = look(login(server, "s3cretword"))
    assert (finding.name, finding.verdict) == ("relay.auth", Verdict.PROBLEM)
    assert "s3cretword" not in finding.found + finding.remedy


def test_a_certificate_that_does_not_hold_is_a_problem() -> None:
    with running(starttls=server_context(), auth={"ann": "word"}) as server:
        [finding] = look(login(server))
    assert (finding.name, finding.verdict) == ("relay.tls", Verdict.PROBLEM)


@pytest.mark.parametrize("reply", [None, "554 5.7.1 blocked"])
def test_a_mail_server_that_is_away_or_does_not_welcome_us_is_the_one_problem(reply: str | None) -> None:
    if reply is None:
        [finding] = look(Relay("127.0.0.1", free_port(), "plain"))
    else:
        with running(always(CONNECT=reply)) as server:
            [finding] = look(server.relay)
    assert (finding.name, finding.verdict) == ("relay.reach", Verdict.PROBLEM)


def test_a_mail_server_on_this_machine_needs_neither_tls_nor_a_user() -> None:
    with running(**EVERYTHING) as server:
        found = verdicts(look(server.relay))
    assert found["relay.tls"] is Verdict.OK
    assert found["relay.auth"] is Verdict.SKIPPED


def test_mail_that_goes_over_a_network_in_the_clear_is_a_warning() -> None:
    [finding] = judge_tls(Relay("10.0.0.1", 25, "plain"), Session({}), now=NOW)
    assert finding.verdict is Verdict.WARNING


@pytest.mark.parametrize(("days", "verdict"), [(90, Verdict.OK), (13, Verdict.WARNING), (2, Verdict.PROBLEM)])
def test_a_certificate_that_ends_soon_is_told_in_time(days: int, verdict: Verdict) -> None:
    session = Session({}, "TLSv1.3", NOW + timedelta(days=days))
    _, finding = judge_tls(Relay("smtp.example.net", 587, "starttls"), session, now=NOW)
    assert finding.name == "relay.certificate"
    assert finding.verdict is verdict


@pytest.mark.parametrize(
    ("offered", "verdict"),
    [
        ("pipelining 8bitmime size enhancedstatuscodes smtputf8", Verdict.OK),
        ("pipelining size enhancedstatuscodes", Verdict.OK),
        ("8bitmime size enhancedstatuscodes", Verdict.WARNING),
        ("pipelining", Verdict.WARNING),
        ("", Verdict.WARNING),
    ],
)
def test_what_makes_sending_slow_or_answers_unclear_is_a_warning(offered: str, verdict: Verdict) -> None:
    assert judge_extensions(Session(dict.fromkeys(offered.split(), ""))).verdict is verdict


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("", Verdict.OK),
        ("0", Verdict.OK),
        (str(LARGEST), Verdict.OK),
        (str(LARGEST - 1), Verdict.PROBLEM),
        ("٥", Verdict.OK),
    ],
)
def test_a_mail_server_that_takes_small_mails_only_is_a_problem(said: str, verdict: Verdict) -> None:
    assert judge_size(Session({"size": said})).verdict is verdict
