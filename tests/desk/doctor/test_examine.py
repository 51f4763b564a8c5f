"""All checks end in findings in the order of the checks, whatever one of them does."""

import re
import threading
from pathlib import Path

from digestmail.desk.doctor.examine import Check, examine, is_problem, once
from digestmail.desk.doctor.finding import Finding, Group, Verdict, counted, ok, problem, skipped, warning


def test_findings_come_in_the_order_of_the_checks() -> None:
    slow_may_end = threading.Event()

    def slow() -> list[Finding]:
        assert slow_may_end.wait(10)
        return [ok("sender.a", "a"), ok("sender.b", "b")]

    def quick() -> list[Finding]:
        slow_may_end.set()
        return [ok("relay.c", "c")]

    heard: list[int] = []
    found = examine([Check("sender.a", slow), Check("relay.c", quick)], on_done=heard.append)
    assert [finding.name for finding in found] == ["sender.a", "sender.b", "relay.c"]
    assert heard == [1, 2]


def test_a_check_that_crashes_is_a_problem_and_ends_no_other() -> None:
    def crash() -> list[Finding]:
        raise KeyError("what")

    found = examine([Check("machine.x", crash), Check("machine.y", lambda: [ok("machine.y", "y")])])
    assert [(finding.name, finding.verdict) for finding in found] == [
        ("machine.x", Verdict.PROBLEM),
        ("machine.y", Verdict.OK),
    ]
    assert "This check failed: KeyError: 'what'" in found[0].found


def test_a_check_that_hangs_is_a_problem_once_the_time_is_over() -> None:
    never = threading.Event()

    def hang() -> list[Finding]:
        never.wait(60)
        return []

    found = examine([Check("site.x", hang), Check("site.y", lambda: [ok("site.y", "y")])], seconds=0.2)
    never.set()
    assert [(finding.name, finding.verdict) for finding in found] == [
        ("site.x", Verdict.PROBLEM),
        ("site.y", Verdict.OK),
    ]


def test_what_several_checks_need_is_found_once() -> None:
    calls: list[int] = []
    found = once(lambda: calls.append(1) or "it")
    assert [found(), found()] == ["it", "it"]
    assert calls == [1]


def test_the_last_line_counts() -> None:
    one = [problem("sender.a", "", ""), ok("sender.b", "")]
    assert counted(one) == "1 problem, no warnings, 1 fine."
    many = [*one, problem("sender.c", "", ""), warning("sender.d", "", ""), skipped("sender.e", "")]
    assert counted(many) == "2 problems, 1 warning, 1 fine, 1 skipped."
    assert counted([ok("sender.a", "")]) == "No problems, no warnings, 1 fine."


def test_only_a_problem_is_one() -> None:
    assert not is_problem([ok("sender.a", ""), warning("sender.b", "", ""), skipped("sender.c", "")])
    assert is_problem([ok("sender.a", ""), problem("sender.b", "", "")])


def test_a_finding_stands_in_the_group_that_its_name_begins_with() -> None:
    assert ok("digest.html", "").group is Group.DIGEST
    assert Check("test.mail", list).group is Group.TEST


def test_every_check_is_explained_in_the_documentation() -> None:
    root = Path(__file__).parent.parent.parent.parent
    sources = "".join(path.read_text() for path in sorted((root / "digestmail/desk/doctor").glob("*.py")))
    names = set(re.findall(rf'"((?:{"|".join(Group)})\.[a-z0-9-]+)"', sources))
    documented = set(re.findall(r"`([a-z]+\.[a-z0-9-]+)`", (root / "docs/doctor.md").read_text()))
    assert len(names) > 40
    assert names == documented
