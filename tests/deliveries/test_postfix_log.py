"""A Postfix's log tells what it has taken: in both forms of its lines, rotated, and only where it covers the time."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digestmail.deliveries.asking import Answer, Question, Verdict
from digestmail.deliveries.outcome import Reply
from digestmail.deliveries.postfix_log import LogFile, PostfixLog, log_of, read_time

START = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
ID = "<r1.digest.20261124.ab@courier.example>"
QUESTION = Question(ID, START + timedelta(seconds=10), START + timedelta(seconds=20))


def line(seconds: float, program: str, rest: str, *, old: bool = False) -> str:
    at = START + timedelta(seconds=seconds)
    stamp = at.astimezone().strftime("%b %e %H:%M:%S") if old else at.isoformat(timespec="microseconds")
    return f"{stamp} mail postfix/{program}[{100 if 'smtpd' in program else 7}]: {rest}\n"


def session(number: str, *, identity: str = ID, at: float = 11, old: bool = False) -> list[str]:
    return [
        line(at, "smtpd", f"{number}: client=localhost[127.0.0.1]", old=old),
        line(at, "cleanup", f"{number}: message-id={identity}", old=old),
    ]


EARLIER = [line(0, "smtpd", "connect from localhost[127.0.0.1]")]
LATER = [line(60, "smtpd", "connect from localhost[127.0.0.1]")]


def active(number: str, at: float = 12) -> str:
    return line(at, "qmgr", f"{number}: from=<d@courier.example>, size=900, nrcpt=1 (queue active)")


def ask(folder: Path, lines: list[str], question: Question = QUESTION) -> Answer:
    (folder / "mail.log").write_text("".join(lines))
    return PostfixLog(LogFile(folder / "mail.log")).ask([question])[question.message_id]


def test_a_message_whose_queue_id_became_active_was_taken(tmp_path: Path) -> None:
    assert ask(tmp_path, [*EARLIER, *session("4F1A2B3C4D"), active("4F1A2B3C4D")]) == Answer(Verdict.TAKEN)


def test_nothing_is_known_where_the_log_does_not_say_when_it_ends(tmp_path: Path) -> None:
    assert ask(tmp_path, EARLIER).verdict is Verdict.UNKNOWN


def test_absence_is_proof_where_the_log_covers_the_time(tmp_path: Path) -> None:
    other = session("4F1A2B3C4D", identity="<r2.digest.20261124.ab@courier.example>")
    assert ask(tmp_path, [*EARLIER, *other, active("4F1A2B3C4D"), *LATER]).verdict is Verdict.NOT_TAKEN


def test_absence_is_no_proof_where_the_log_begins_too_late(tmp_path: Path) -> None:
    assert ask(tmp_path, LATER).verdict is Verdict.UNKNOWN
    assert ask(tmp_path, []).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("what", ["lost connection after DATA (812 bytes) from", "timeout after DATA from"])
def test_a_session_that_was_lost_before_its_end_gave_nothing(tmp_path: Path, what: str) -> None:
    lines = [*EARLIER, *session("4F1A2B3C4D"), line(11, "smtpd", f"{what} localhost[127.0.0.1]")]
    assert ask(tmp_path, lines).verdict is Verdict.NOT_TAKEN


def test_a_session_that_was_lost_after_its_end_decides_nothing(tmp_path: Path) -> None:
    lost = line(11, "smtpd", "lost connection after END-OF-MESSAGE from localhost[127.0.0.1]")
    lines = [*EARLIER, *session("4F1A2B3C4D"), lost]
    assert ask(tmp_path, [*lines, *LATER]).verdict is Verdict.PENDING
    assert ask(tmp_path, [*lines, active("4F1A2B3C4D")]).verdict is Verdict.TAKEN


def test_the_loss_of_a_later_message_of_the_session_says_nothing_of_the_first(tmp_path: Path) -> None:
    lines = [*EARLIER, *session("4F1A2B3C4D"), *session("5A5A5A5A5A", identity="<other@x>"), active("4F1A2B3C4D")]
    lines.append(line(13, "smtpd", "lost connection after DATA (1 bytes) from localhost[127.0.0.1]"))
    assert ask(tmp_path, lines).verdict is Verdict.TAKEN


def test_one_copy_that_was_taken_is_enough(tmp_path: Path) -> None:
    lost = line(11, "smtpd", "lost connection after DATA (812 bytes) from localhost[127.0.0.1]")
    lines = [*EARLIER, *session("4F1A2B3C4D"), lost, *session("5F1A2B3C4D", at=14), active("5F1A2B3C4D", 15)]
    assert ask(tmp_path, lines).verdict is Verdict.TAKEN


def test_a_queue_id_that_is_used_again_is_another_message(tmp_path: Path) -> None:
    lost = line(11, "smtpd", "lost connection after DATA (812 bytes) from localhost[127.0.0.1]")
    again = [*session("4F1A2B3C4D", identity="<other@x>", at=14), active("4F1A2B3C4D", 15)]
    assert ask(tmp_path, [*EARLIER, *session("4F1A2B3C4D"), lost, *again]).verdict is Verdict.NOT_TAKEN


def test_a_bounce_that_the_log_has_is_told(tmp_path: Path) -> None:
    bounce = line(
        13, "smtp", "4F1A2B3C4D: to=<ann@example.org>, relay=mx, delay=1, dsn=5.1.1, status=bounced (host said: 550 no)"
    )
    lines = [*EARLIER, *session("4F1A2B3C4D"), active("4F1A2B3C4D"), bounce]
    assert ask(tmp_path, lines) == Answer(Verdict.TAKEN, Reply(554, "5.1.1 host said: 550 no"))


def test_what_a_milter_refused_was_not_taken(tmp_path: Path) -> None:
    refused = line(12, "cleanup", "4F1A2B3C4D: milter-reject: END-OF-MESSAGE from localhost[127.0.0.1]: 5.7.1 no")
    assert ask(tmp_path, [*EARLIER, *session("4F1A2B3C4D"), refused]).verdict is Verdict.NOT_TAKEN


def test_a_line_that_is_not_whole_yet_is_left_for_later(tmp_path: Path) -> None:
    assert ask(tmp_path, [*EARLIER, *session("4F1A2B3C4D"), active("4F1A2B3C4D")[:-1]]).verdict is Verdict.PENDING


def test_lines_of_the_older_form_are_read_too(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    question = Question(ID, now - timedelta(seconds=60), now - timedelta(seconds=50))
    shift = (now - START).total_seconds()
    lines = [line(shift - 70, "smtpd", "connect from x[10.0.0.1]", old=True)]
    assert ask(tmp_path, lines, question).verdict is Verdict.UNKNOWN
    lines += [line(shift, "smtpd", "connect from x[10.0.0.1]", old=True)]
    assert ask(tmp_path, lines, question).verdict is Verdict.NOT_TAKEN
    lines[1:1] = session("4F1A2B3C4D", at=shift - 55, old=True)
    assert ask(tmp_path, lines, question).verdict is Verdict.PENDING


@pytest.mark.parametrize("ending", [".1", ".1.gz"])
def test_a_log_that_was_rotated_in_between_is_read_from_its_predecessor_on(tmp_path: Path, ending: str) -> None:
    before = "".join([*EARLIER, *session("4F1A2B3C4D")]).encode()
    (tmp_path / f"mail.log{ending}").write_bytes(gzip.compress(before) if ending.endswith("gz") else before)
    assert ask(tmp_path, [active("4F1A2B3C4D", 13), *LATER]).verdict is Verdict.TAKEN


def test_a_long_log_is_read_from_the_right_place(tmp_path: Path) -> None:
    noise = [line(second / 100, "smtpd", "connect from somewhere[10.0.0.1]") for second in range(20_000)]
    noise[1_150:1_150] = [*session("4F1A2B3C4D", at=11.5), active("4F1A2B3C4D", 11.6)]
    assert ask(tmp_path, noise).verdict is Verdict.TAKEN
    log = LogFile(tmp_path / "mail.log")
    covered, lines = log.since(START + timedelta(seconds=150))
    assert covered
    assert 5_000 <= len(list(lines)) < 6_000


def test_other_instances_and_services_of_postfix_are_understood(tmp_path: Path) -> None:
    lines = [*EARLIER, *session("4F1A2B3C4D"), active("4F1A2B3C4D")]
    told = [
        each.replace("postfix/smtpd", "postfix-out/submission/smtpd").replace("postfix/q", "postfix-out/q")
        for each in lines
    ]
    assert ask(tmp_path, told).verdict is Verdict.TAKEN


def test_where_nothing_is_known_the_server_is_made_to_write_a_line(tmp_path: Path) -> None:
    (tmp_path / "mail.log").write_text("".join(EARLIER))
    nudges: list[None] = []
    PostfixLog(LogFile(tmp_path / "mail.log"), nudge=lambda: nudges.append(None)).ask([QUESTION])
    assert len(nudges) == 1


def test_a_time_without_a_year_is_the_latest_that_is_not_to_come() -> None:
    now = datetime(2027, 1, 1, 0, 0, 5, tzinfo=UTC)
    text = (now - timedelta(seconds=10)).astimezone().strftime("%b %e %H:%M:%S").encode()
    assert read_time(text, now=lambda: now) == now - timedelta(seconds=10)
    assert read_time(b"Feb 30 00:00:00", now=lambda: now) is None
    assert read_time(b"nonsense") is None


def test_the_journal_is_asked_for_the_mail_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `journalctl --output=short-iso-precise` prints it, here by a stand-in that notes how it was called."""
    lines = "".join([*EARLIER, *session("4F1A2B3C4D"), active("4F1A2B3C4D")]).replace("+00:00", "+0000")
    (tmp_path / "lines").write_text(lines)
    program = tmp_path / "journalctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncat {tmp_path}/lines\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert PostfixLog(log_of("postfix:journal")).ask([QUESTION])[ID] == Answer(Verdict.TAKEN)
    before, since = (tmp_path / "calls").read_text().splitlines()
    assert "--facility=mail --output=short-iso-precise" in since
    at = int((QUESTION.since_at - timedelta(seconds=2)).timestamp())
    assert f"--until=@{at}" in before
    assert f"--since=@{at}" in since


def test_a_journal_that_cannot_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "journalctl"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(OSError, match="journal cannot be read"):
        PostfixLog(log_of("postfix:journal")).ask([QUESTION])
