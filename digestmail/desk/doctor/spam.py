"""Has the spam filter of this machine read the digest, where there is one, and tells which words or forms it minds."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2

from digestmail.desk.doctor.examine import Check
from digestmail.desk.doctor.finding import Finding, ok, sentence, skipped, warning
from digestmail.desk.preview import Preview

_SECONDS = 8.0
_RSPAMD = "http://127.0.0.1:11333/checkv2"
_SHOWN = 6
_MUCH = 2.0
"""Points of a score; five make it spam."""

_DETAILS = "Content analysis details"
"""What every report of SpamAssassin has above its rules."""
_LINE = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s+([A-Z][A-Z0-9_]{2,})\s+(.*)$")
_NOT_CONTENT = re.compile(
    r"(ALL_TRUSTED|NO_RE(LAYS|CEIVED)|UNPARSEABLE_RELAY|MISSING_RECEIVED|HFILTER_.*|RCVD_.*|RECEIVED_.*|ONCE_RECEIVED.*|"
    r"(R_)?(SPF|DKIM|DMARC|ARC)_.*|RBL_.*|RDNS_.*|HELO_.*|DATE_IN_.*|FORGED_SENDER.*|AUTH_NA.*|DNS_.*|T_SPF_.*)"
)
"""What is about the way of a mail, and not about what stands in it: this one went no way yet."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A rule that applied."""

    name: str
    score: float
    words: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """How filters are found and asked."""

    which: Callable[[str], str | None]
    run: Callable[[list[str], bytes], str]
    """From a command and what it reads to what it writes."""
    post: Callable[[str, bytes], Mapping[str, Any]]
    """From a URL and a body to the answer's JSON."""


def installed_filters() -> Filters:
    """Those of this machine."""
    return Filters(shutil.which, _run, _post)


def spam_checks(preview: Callable[[], Preview | Finding], filters: Filters) -> list[Check]:
    """A check for each filter that is installed, or one that says that none is."""
    asks: dict[str, Callable[[bytes], Finding]] = {}
    if filters.which("spamc") or filters.which("spamassassin"):
        asks["digest.spamassassin"] = lambda data: _ask_spamassassin(filters, data)
    if filters.which("rspamc") or filters.which("rspamd"):
        asks["digest.rspamd"] = lambda data: _ask_rspamd(filters, data)
    if not asks:
        return [Check("digest.spam", lambda: [_NONE])]
    return [Check(name, partial(_where_composed, preview, ask)) for name, ask in asks.items()]


def _where_composed(preview: Callable[[], Preview | Finding], ask: Callable[[bytes], Finding]) -> Iterator[Finding]:
    found = preview()
    if not isinstance(found, Finding):
        yield ask(found.message.data)


_NONE = skipped(
    "digest.spam",
    "Neither SpamAssassin nor rspamd is installed here, so no filter read the digest.",
    "For a look, install one (apt install spamassassin); it need not run as a service.",
)


def judge_symbols(name: str, symbols: list[Symbol]) -> Finding:
    """Whether what stands in the digest costs it points."""
    bad = sorted((each for each in symbols if each.score > 0), key=lambda each: -each.score)
    content = [each for each in bad if not _NOT_CONTENT.fullmatch(each.name)]
    total = sum(each.score for each in content)
    if not content:
        return ok(name, "It minds nothing of what stands in the digest.")
    listed = "; ".join(
        f"{each.name} {each.score:.1f}" + (f" ({each.words})" if each.words else "") for each in content[:_SHOWN]
    )
    found = f"It gives what stands in the digest {total:.1f} points: {listed}."
    if total < _MUCH:
        return ok(name, found)
    return warning(name, found, "Look which words or forms of the site name, announcements or templates it means.")


def read_spamassassin(report: str) -> list[Symbol]:
    """The rules in a report of `spamassassin -t` or `spamc -R`."""
    found = (_LINE.match(line) for line in report.partition(_DETAILS)[2].splitlines())
    return [Symbol(match[2], float(match[1]), match[3].strip()) for match in found if match]


def read_rspamd(answer: Mapping[str, Any]) -> list[Symbol]:
    """The symbols in an answer of /checkv2."""
    return [
        Symbol(name, float(symbol.get("score") or 0), str(symbol.get("description") or ""))
        for name, symbol in (answer.get("symbols") or {}).items()
    ]


def _ask_spamassassin(filters: Filters, data: bytes) -> Finding:
    """By its service where that runs, which is much quicker."""
    commands = [["spamc", "-R", "--connect-retries=1"], ["spamassassin", "-L", "-t"]]
    try:
        for command in (each for each in commands if filters.which(each[0])):
            report = filters.run(command, data)
            if _DETAILS in report:
                return judge_symbols("digest.spamassassin", read_spamassassin(report))
    except (OSError, subprocess.SubprocessError) as error:
        return _silent("digest.spamassassin", str(error))
    return _silent("digest.spamassassin", "it wrote no report")


def _ask_rspamd(filters: Filters, data: bytes) -> Finding:
    try:
        answer = filters.post(_RSPAMD, data)
    except (OSError, ValueError) as error:
        return _silent("digest.rspamd", str(error))
    if "symbols" not in answer:
        return _silent("digest.rspamd", str(answer.get("error") or "it named no rules"))
    return judge_symbols("digest.rspamd", read_rspamd(answer))


def _silent(name: str, reason: str) -> Finding:
    return skipped(
        name,
        f"It is installed and did not answer: {sentence(reason)}",
        "Start it, or try it by hand on what `digestmail preview --eml FILE` writes.",
    )


def _run(command: list[str], data: bytes) -> str:
    ended = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 - found on PATH
    return ended.stdout.decode("utf-8", "replace")


def _post(url: str, data: bytes) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = httpx2.post(url, content=data, timeout=_SECONDS).json()
    except httpx2.HTTPError as error:
        raise OSError(str(error) or type(error).__name__) from error
    return answer
