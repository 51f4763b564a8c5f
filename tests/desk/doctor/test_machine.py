"""This machine: its clock, its time zones, its secret and its folder."""

import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.desk.doctor.finding import Finding, Verdict
from digestmail.desk.doctor.machine import (
    entropy,
    judge_clock,
    judge_secret,
    judge_space,
    judge_zones,
    look_at_folder,
    look_at_secret,
)
from digestmail.secret import secret_of
from digestmail.settings import Settings
from tests.desk.doctor.zone import verdicts


@pytest.mark.parametrize(
    ("seconds", "verdict", "words"),
    [
        (0.4, Verdict.OK, "agrees"),
        (-29, Verdict.OK, "agrees"),
        (45, Verdict.WARNING, "45 seconds ahead"),
        (-200, Verdict.WARNING, "3 minutes behind"),
        (-4000, Verdict.PROBLEM, "67 minutes behind"),
        (7 * 86400, Verdict.PROBLEM, "7 days ahead"),
    ],
)
def test_a_clock_that_is_off_is_told_by_how_much(seconds: float, verdict: Verdict, words: str) -> None:
    finding = judge_clock("machine.clock", timedelta(seconds=seconds), of="the database")
    assert finding.verdict is verdict
    assert words in finding.found


def test_the_zones_of_everybody_must_be_known() -> None:
    assert judge_zones("Europe/Berlin", ["UTC", "America/Nuuk"]).verdict is Verdict.OK
    finding = judge_zones("Europe/Berlin", ["UTC", "Mars/Olympus", "../etc/passwd"])
    assert finding.verdict is Verdict.PROBLEM
    assert "../etc/passwd, Mars/Olympus" in finding.found


@pytest.mark.parametrize(
    "secret",
    [
        "a" * 64,
        "abc" * 20,
        "changeme-changeme-changeme-changeme-",
        "please-change-me-please-1234567890",
        "my secret for the digestmail service",
        "0101010101010110101010010101011010",
        "short",
    ],
)
def test_a_secret_that_is_easy_to_guess_is_a_problem_and_not_shown(secret: str) -> None:
    finding = judge_secret(secret, where="DIGESTMAIL_SECRET_KEY")
    assert finding.verdict is Verdict.PROBLEM
    assert secret not in finding.found + finding.remedy


@given(st.text(min_size=1, max_size=20), st.integers(2, 5))
def test_what_is_repeated_makes_a_secret_no_harder_to_guess(part: str, times: int) -> None:
    assert entropy(part * times) == entropy(part * 2) <= entropy(part) + 1e-9


@pytest.mark.parametrize("make", [lambda: secrets.token_urlsafe(48), lambda: secrets.token_hex(32)])
def test_a_random_secret_is_fine(make: object) -> None:
    assert callable(make)
    for _ in range(200):
        assert judge_secret(make(), where="x").verdict is Verdict.OK


def look(settings: Settings) -> dict[str, Verdict]:
    return verdicts(look_at_secret(settings))


def test_the_secret_that_is_made_at_the_start_is_fine(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert look(settings) == {"machine.secret": Verdict.SKIPPED}
    assert list(tmp_path.iterdir()) == []
    secret_of(settings)
    assert look(settings) == {"machine.secret": Verdict.OK, "machine.secret-file": Verdict.OK}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secret_that_others_may_read_is_a_problem(tmp_path: Path, mode: int) -> None:
    settings = Settings(data_dir=tmp_path)
    secret_of(settings)
    (tmp_path / "secret.key").chmod(mode)
    assert look(settings)["machine.secret-file"] is Verdict.PROBLEM


def test_a_secret_of_the_settings_is_judged_too() -> None:
    assert look(Settings(secret_key="x" * 40)) == {"machine.secret": Verdict.PROBLEM}


@pytest.mark.parametrize(
    ("free", "verdict"), [(5 << 30, Verdict.OK), (500 << 20, Verdict.WARNING), (50 << 20, Verdict.PROBLEM)]
)
def test_little_space_is_told_in_time(free: int, verdict: Verdict) -> None:
    assert judge_space(Path("data"), free=free).verdict is verdict


def test_a_folder_is_fine_or_will_be_made_or_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found: list[Finding] = [look_at_folder(tmp_path / "a" / "b"), look_at_folder(tmp_path / "file" / "data")]
    assert [finding.verdict for finding in found] == [Verdict.SKIPPED, Verdict.PROBLEM]
    assert not (tmp_path / "a").exists()
    assert look_at_folder(tmp_path / "file").verdict is Verdict.PROBLEM
    assert look_at_folder(tmp_path).verdict in (Verdict.OK, Verdict.WARNING)
