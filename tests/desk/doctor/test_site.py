"""The address that readers see is judged by what answers there."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digestmail.clock import standing_still
from digestmail.desk.doctor.finding import Finding, Verdict
from digestmail.desk.doctor.site import (
    LONGEST_LINK,
    Answer,
    certificate_ends,
    judge_hsts,
    judge_length,
    judge_one_click,
    look_at_site,
)
from tests.certificates import server_context, trust_authority
from tests.desk.doctor.zone import verdicts
from tests.relay import running

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
URL = "https://digest.example.org"
OURS = {"content-security-policy": "default-src 'none'; style-src 'self'"}
GOOD: Mapping[str, Answer] = {
    f"{URL}/": Answer(
        200,
        {"strict-transport-security": "max-age=31536000", "date": "Mon, 23 Nov 2026 12:00:03 GMT"},
        "<h1>Sign up</h1>",
    ),
    f"{URL}/healthz": Answer(200, {}, '{"ok":true}'),
    f"{URL}/u/doctor": Answer(404, OURS),
}


def look(
    answers: Mapping[str, Answer] = GOOD, *, url: str = URL, mail_leaves: bool = True, days: int = 60, error: str = ""
) -> list[Finding]:
    def ask(_method: str, asked: str) -> Answer:
        if error:
            raise OSError(error)
        return answers[asked]

    return list(
        look_at_site(
            url,
            standing_still(NOW),
            mail_leaves=mail_leaves,
            ask=ask,
            expires_at=lambda host, port: NOW + timedelta(days=days),
        )
    )


def test_a_good_address_is_fine_in_everything() -> None:
    found = verdicts(look())
    assert set(found) == {
        f"site.{name}" for name in ("address", "links", "reach", "one-click", "hsts", "certificate", "clock")
    }
    assert set(found.values()) == {Verdict.OK}


def test_the_pages_of_this_machine_are_fine_while_mail_stays_on_it() -> None:
    [finding] = look(url="http://localhost:8000", mail_leaves=False)
    assert finding.verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "https://127.0.0.1", "http://[::1]:8000", "http://example.org"]
)
def test_an_address_that_is_no_use_to_readers_is_a_problem_once_mail_leaves(url: str) -> None:
    assert verdicts(look(url=url, error="refused"))["site.address"] is Verdict.PROBLEM


def test_what_cannot_be_reached_is_a_problem_once_mail_leaves() -> None:
    assert verdicts(look(error="connection refused"))["site.reach"] is Verdict.PROBLEM
    assert verdicts(look(error="connection refused", mail_leaves=False))["site.reach"] is Verdict.WARNING
    expired = look(error="[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired")
    assert verdicts(expired)["site.certificate"] is Verdict.PROBLEM


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({f"{URL}/": Answer(301, {"location": "https://www.example.org/"})}, "redirects to https://www.example.org/"),
        ({f"{URL}/": Answer(200, {}, "Welcome to nginx!"), f"{URL}/healthz": Answer(404, {})}, "is not digestmail"),
        ({f"{URL}/healthz": Answer(503, {}, '{"ok":false}')}, "database"),
        ({f"{URL}/": Answer(502, {}, "Bad gateway")}, "(502)"),
    ],
)
def test_something_else_than_our_pages_is_a_problem(changed: Mapping[str, Answer], words: str) -> None:
    [finding] = [each for each in look({**GOOD, **changed}) if each.name == "site.reach"]
    assert finding.verdict is Verdict.PROBLEM
    assert words in finding.found


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "answer", [Answer(302, {"location": "/login"}), Answer(401, {}), Answer(404, {}), Answer(200, OURS)]
)
def test_one_click_unsubscribing_must_reach_us_in_every_way(method: str, answer: Answer) -> None:
    answers = dict.fromkeys(("GET", "HEAD", "POST"), Answer(404, OURS)) | {method: answer}
    finding = judge_one_click(URL, answers)
    assert finding.verdict is Verdict.PROBLEM
    assert f"{method} with {answer.status}" in finding.found


@pytest.mark.parametrize("said", ["", "max-age=0", "max-age=3600; includeSubDomains"])
def test_browsers_that_do_not_remember_https_for_long_are_a_warning(said: str) -> None:
    assert judge_hsts(Answer(200, {"strict-transport-security": said})).verdict is Verdict.WARNING


@pytest.mark.parametrize(("letters", "verdict"), [(0, Verdict.OK), (1, Verdict.WARNING)])
def test_an_address_that_makes_links_too_long_is_a_warning(letters: int, verdict: Verdict) -> None:
    base = "https://" + "x" * (LONGEST_LINK - len("https:///u/") - 23 + letters)
    assert judge_length(base).verdict is verdict


def test_a_certificate_that_ends_soon_and_a_clock_that_is_off_are_told() -> None:
    late = {**GOOD, f"{URL}/": Answer(200, {"date": "Mon, 23 Nov 2026 11:00:00 GMT"})}
    found = verdicts(look(late, days=5))
    assert found["site.certificate"] is Verdict.WARNING
    assert found["site.clock"] is Verdict.PROBLEM


def test_when_a_certificate_ends_is_read_from_the_server_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trust_authority(monkeypatch, tmp_path)
    with running(tls=server_context()) as server:
        ends = certificate_ends("127.0.0.1", server.relay.port)
    assert ends is not None
    assert ends > datetime.now(UTC)
