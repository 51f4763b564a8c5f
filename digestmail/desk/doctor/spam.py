"""Has the spam filter of this machine read the digest, where there is one, and tells which words or forms it minds."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from digestmail.desk.doctor.finding import Finding, ok, skipped, warning
from digestmail.desk.preview import Preview

_NAME = "digest.spam"
_SECONDS = 10.0
_RSPAMD = "http://127.0.0.1:11333/checkv2"
_SHOWN = 6
_MUCH = 2.0
"""Points of a score; five make it spam."""

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


def look_for_spam(preview: Preview | str, *, filters: Filters) -> Iterator[Finding]:
    """What each filter says; a skipped finding where there is none or nothing to read."""
    if isinstance(preview, str):
        return
    data = preview.message.data
    asked = False
    if filters.which("spamc") or filters.which("spamassassin"):
        asked = True
        yield _ask("SpamAssassin", lambda: read_spamassassin(_spamassassin(filters, data)))
    if filters.which("rspamc") or filters.which("rspamd"):
        asked = True
        yield _ask("rspamd", lambda: read_rspamd(filters.post(_RSPAMD, data)))
    if not asked:
        yield skipped(
            _NAME,
            "Neither SpamAssassin nor rspamd is installed here, so no filter read the digest.",
            "For a look, install one (apt install spamassassin); it need not run as a service.",
        )


def judge_symbols(filter_name: str, symbols: list[Symbol]) -> Finding:
    """Whether what stands in the digest costs it points."""
    bad = sorted((each for each in symbols if each.score > 0), key=lambda each: -each.score)
    content = [each for each in bad if not _NOT_CONTENT.fullmatch(each.name)]
    total = sum(each.score for each in content)
    if not content:
        return ok(_NAME, f"{filter_name} minds nothing of what stands in the digest.")
    listed = "; ".join(
        f"{each.name} {each.score:.1f}" + (f" ({each.words})" if each.words else "") for each in content[:_SHOWN]
    )
    found = f"{filter_name} gives what stands in the digest {total:.1f} points: {listed}."
    if total < _MUCH:
        return ok(_NAME, found)
    return warning(_NAME, found, "Look which words or forms of the site name, announcements or templates it means.")


def read_spamassassin(report: str) -> list[Symbol]:
    """The rules in a report of `spamassassin -t` or `spamc -R`."""
    lines = report.partition("Content analysis details")[2] or report
    found = (_LINE.match(line) for line in lines.splitlines())
    return [Symbol(match[2], float(match[1]), match[3].strip()) for match in found if match]


def read_rspamd(answer: Mapping[str, Any]) -> list[Symbol]:
    """The symbols in an answer of /checkv2."""
    return [
        Symbol(name, float(symbol.get("score") or 0), str(symbol.get("description") or ""))
        for name, symbol in (answer.get("symbols") or {}).items()
    ]


def _ask(filter_name: str, read: Callable[[], list[Symbol]]) -> Finding:
    try:
        return judge_symbols(filter_name, read())
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return skipped(
            _NAME,
            f"{filter_name} is installed and did not answer: {' '.join(str(error).split())[:200]}",
            "Start it, or try it by hand on what `digestmail preview --eml FILE` writes.",
        )


def _spamassassin(filters: Filters, data: bytes) -> str:
    """By its service where that runs, which is much quicker."""
    if spamc := filters.which("spamc"):
        report = filters.run([spamc, "-R"], data)
        if read_spamassassin(report) or not filters.which("spamassassin"):
            return report
    return filters.run([filters.which("spamassassin") or "spamassassin", "-L", "-t"], data)


def _run(command: list[str], data: bytes) -> str:
    ended = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 - found on PATH
    return ended.stdout.decode("utf-8", "replace")


def _post(url: str, data: bytes) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = httpx2.post(url, content=data, timeout=_SECONDS).json()
    except httpx2.HTTPError as error:
        raise OSError(str(error) or type(error).__name__) from error
    return answer
