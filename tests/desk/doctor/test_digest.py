"""The next digest is judged as mailbox providers do, and a test mail of it goes out only when asked for."""

import json
import subprocess
from datetime import UTC, datetime

import pytest

from digestmail.desk.doctor.digest import (
    STYLE_BUDGET,
    judge_digest,
    judge_headers,
    judge_html,
    judge_lines,
    judge_links,
    judge_style,
)
from digestmail.desk.doctor.examine import examine
from digestmail.desk.doctor.finding import Finding, Verdict, skipped
from digestmail.desk.doctor.spam import Filters, read_spamassassin, spam_checks
from digestmail.desk.doctor.trial import send_trial
from digestmail.desk.preview import Preview
from digestmail.errors import RelayError
from digestmail.messages.budget import BUDGET
from digestmail.messages.message import Message
from tests.desk.doctor.zone import verdicts
from tests.messages.samples import compose, composer_of, content_of, html_of, parsed, story, text_of

NOTHING = skipped("digest.html", "There are no items yet.", "Fetch some.")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def preview() -> Preview:
    message = compose(composer_of(content_of(story(1, 1, title="Über die Brücke"), story(2, 1))), 1)
    return Preview(html_of(message), text_of(message), message)


def test_our_own_digest_is_fine_in_everything(preview: Preview) -> None:
    found = verdicts(judge_digest(preview))
    assert set(found) == {f"digest.{name}" for name in ("html", "style", "lines", "headers", "links")}
    assert set(found.values()) == {Verdict.OK}


def test_where_there_is_nothing_yet_that_is_said_with_what_to_do() -> None:
    assert list(judge_digest(NOTHING)) == [NOTHING]


@pytest.mark.parametrize(("more", "verdict"), [(0, Verdict.OK), (1, Verdict.PROBLEM)])
def test_a_digest_or_a_style_sheet_that_is_cut_off_is_a_problem(more: int, verdict: Verdict) -> None:
    assert judge_html(BUDGET + more).verdict is verdict
    assert judge_style(STYLE_BUDGET + more).verdict is verdict
    assert judge_lines(b"short\r\n" + b"x" * (998 + more) + b"\r\n").verdict is verdict


POST = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
SHORT = "List-Unsubscribe: <https://example.org/u/x>\r\n"


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        (SHORT + POST, Verdict.OK),
        (SHORT, Verdict.PROBLEM),
        (POST, Verdict.PROBLEM),
        (SHORT + SHORT + POST, Verdict.PROBLEM),
        ("List-Unsubscribe:\r\n <https://example.org/u/x>\r\n" + POST, Verdict.PROBLEM),
        ("List-Unsubscribe: =?utf-8?q?=3Chttps=3A//example.org/u/x=3E?=\r\n" + POST, Verdict.PROBLEM),
        (f"List-Unsubscribe: <https://example.org/{'x' * 60}>\r\n" + POST, Verdict.WARNING),
        (f"List-Unsubscribe: <http://example.org/u/x>\r\n{POST}", Verdict.SKIPPED),
    ],
)
def test_the_headers_for_unsubscribing_must_come_through_whole(headers: str, verdict: Verdict) -> None:
    assert judge_headers(f"{headers}Subject: x\r\n\r\nbody\r\n".encode()).verdict is verdict


@pytest.mark.parametrize(
    "link", ["/story/1", "#top", "javascript:alert(1)", "", "https:///x", "http://[bad", "ftp://a/b"]
)
def test_a_link_that_leads_nowhere_from_a_mail_is_a_problem(link: str) -> None:
    assert judge_links(f'<p><a href="{link}">x</a></p>').verdict is Verdict.PROBLEM
    assert judge_links(f'<p><img src="{link}"></p>').verdict is Verdict.PROBLEM
    assert (
        judge_links('<p><a href="https://example.org/?a=1">x</a><a href="mailto:a@b.org">y</a></p>').verdict
        is Verdict.OK
    )


REPORT = """\
Spam detection software has read your mail.
Content analysis details:   (2.9 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
-0.0 NO_RELAYS              Informational: message was not relayed via SMTP
 1.2 MISSING_RECEIVED       Was not received
 2.1 BIG_FONTS              BODY: Shouting
 0.8 MANY_WORDS             BODY: Some words
"""


def spam(preview: Preview | Finding, *, installed: str, report: str = REPORT, answer: str = "{}") -> list[Finding]:
    filters = Filters(
        which=lambda name: f"/usr/bin/{name}" if name in installed.split() else None,
        run=lambda _command, _data: report,
        post=lambda _url, _data: json.loads(answer),
    )
    return examine(spam_checks(lambda: preview, filters))


def test_without_a_spam_filter_none_is_asked(preview: Preview) -> None:
    assert verdicts(spam(preview, installed="")) == {"digest.spam": Verdict.SKIPPED}
    assert spam(NOTHING, installed="spamassassin rspamd") == []


def test_rules_about_the_content_that_cost_points_are_listed(preview: Preview) -> None:
    [finding] = spam(preview, installed="spamassassin")
    assert (finding.name, finding.verdict) == ("digest.spamassassin", Verdict.WARNING)
    assert "2.9 points: BIG_FONTS 2.1 (BODY: Shouting); MANY_WORDS 0.8" in finding.found
    assert "MISSING_RECEIVED" not in finding.found


def test_few_points_or_none_are_fine(preview: Preview) -> None:
    for report in (REPORT.replace(" 2.1 BIG", " 0.1 BIG"), "Content analysis details:\n -1.9 BAYES_00  Bayes\n"):
        assert [finding.verdict for finding in spam(preview, installed="spamassassin", report=report)] == [Verdict.OK]


def test_rspamd_is_asked_too(preview: Preview) -> None:
    symbols = {"R_BAD_WORDS": {"score": 4}, "R_SPF_FAIL": {"score": 1}, "MIME_GOOD": {"score": -0.1}}
    [finding] = spam(preview, installed="rspamd", answer=json.dumps({"symbols": symbols}))
    assert (finding.name, finding.verdict) == ("digest.rspamd", Verdict.WARNING)
    assert "R_BAD_WORDS 4.0" in finding.found
    assert "R_SPF_FAIL" not in finding.found


def test_a_filter_without_a_report_is_not_taken_for_content(preview: Preview) -> None:
    found = verdicts(spam(preview, installed="spamc spamassassin rspamc", report="0/0\n", answer='{"error": "busy"}'))
    assert found == {"digest.spamassassin": Verdict.SKIPPED, "digest.rspamd": Verdict.SKIPPED}


def test_a_filter_that_hangs_is_told_and_is_no_problem(preview: Preview) -> None:
    def hang(_command: list[str], _data: bytes) -> str:
        raise subprocess.TimeoutExpired("spamassassin", 8)

    def refuse(_url: str, _data: bytes) -> dict[str, object]:
        raise ConnectionRefusedError("Connection refused")

    found = examine(spam_checks(lambda: preview, Filters(which=lambda name: name, run=hang, post=refuse)))
    assert verdicts(found) == {"digest.spamassassin": Verdict.SKIPPED, "digest.rspamd": Verdict.SKIPPED}


def test_a_report_is_read_by_its_rules() -> None:
    assert [symbol.name for symbol in read_spamassassin(REPORT)] == [
        "NO_RELAYS",
        "MISSING_RECEIVED",
        "BIG_FONTS",
        "MANY_WORDS",
    ]


def test_a_test_mail_is_marked_and_is_never_taken_for_one_that_was_sent_before(preview: Preview) -> None:
    sent: list[Message] = []
    for second in (1, 2):
        now = NOW.replace(second=second)
        finding = send_trial(preview, now=now, where="smtp.test:25", stays=False, send=sent.append)
        assert finding.verdict is Verdict.OK
        assert "ann@example.org" in finding.found
    assert len({message.message_id for message in sent}) == 2
    for message in sent:
        read = parsed(message)
        assert read["Message-ID"] == message.message_id != preview.message.message_id
        assert read["Subject"] == f"[Test] {parsed(preview.message)['Subject']}"
        assert html_of(message) == html_of(preview.message)
        changed = {name for name, value in read.items() if value != parsed(preview.message)[name]}
        assert changed == {"Message-ID", "Subject"}


def test_the_answer_of_a_mail_server_that_refuses_the_test_mail_is_shown(preview: Preview) -> None:
    def refuse(_message: Message) -> None:
        raise RelayError("The mail server smtp.test:25 refuses the recipient: 550 5.1.1 who?")

    finding = send_trial(preview, now=NOW, where="smtp.test:25", stays=False, send=refuse)
    assert finding.verdict is Verdict.PROBLEM
    assert "550 5.1.1 who?" in finding.found


def test_where_there_is_nothing_to_send_nothing_is_sent() -> None:
    finding = send_trial(NOTHING, now=NOW, where="x", stays=False, send=pytest.fail)
    assert finding == skipped("test.mail", NOTHING.found, NOTHING.remedy)
