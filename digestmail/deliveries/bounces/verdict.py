"""What became of a message for one recipient, from what mail servers report (pure): hard, soft, policy or no bounce.

| said                                               | verdict |
|---|---|
| action delayed; delivered, relayed or expanded     | no bounce |
| 5.1.1, 5.1.2, 5.1.3, 5.1.6, 5.1.10, 5.4.4          | hard; by the words where only the reporter says so |
| 5.7.x, 5.1.7, 5.1.8, 5.2.3, 5.3.4, 5.6.x           | policy: of the sender or of the message |
| 5.2.1 (disabled)                                   | soft, or hard where the words say that it does not exist |
| 5.2.2 (full), 5.4.x, 4.x.x                         | soft |
| a vague code (5.0.0, 5.1.0, 5.2.0, 5.3.0, 5.5.0) or none | by the words; soft where they tell nothing |
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from digestmail.deliveries.bounces.phrases import said
from digestmail.deliveries.bounces.report import Verdict

_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?=[ \-#])")

_NO_BOUNCE = {
    "delayed": Verdict.DELAYED,
    "delivered": Verdict.DELIVERED,
    "relayed": Verdict.DELIVERED,
    "expanded": Verdict.DELIVERED,
}
_HARD = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (4, 4)})
"""RFC 3463 and RFC 7505; 5.4.4, unable to route, is what servers say where the domain does not exist."""
_POLICY = frozenset({(1, 7), (1, 8), (2, 3), (3, 4)})
_VAGUE = frozenset({(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0)})


class Code(NamedTuple):
    """An enhanced status code (RFC 3463)."""

    class_: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return ".".join(map(str, self))

    @property
    def is_vague(self) -> bool:
        """Whether it says no more than yes or no."""
        return self[1:] in _VAGUE


class Judged(NamedTuple):
    """A verdict, and the code that it stands on, or ""."""

    verdict: Verdict
    status: str


def judge(*, status: str = "", diagnostic: str = "", action: str = "failed", text: str = "") -> Judged:
    """Judge what is said of one recipient (RFC 3464, 2.3); `text` is for people, and read where nothing else tells.

    Where a server's own answer has a code, that is better than the reporter's, who often guessed from 550.
    """
    of_reporter = next(codes_in(status), None)
    of_server = next((code for code in codes_in(diagnostic) if code.class_ != 2), None)
    code = of_server if of_server and not (of_server.is_vague and of_reporter) else of_reporter
    shown = str(code or "")
    action = action.partition(" ")[0].strip(";,.").lower()
    if action in _NO_BOUNCE:
        return Judged(_NO_BOUNCE[action], shown)
    if code and code.class_ == 2 and action != "failed":
        return Judged(Verdict.DELIVERED, shown)
    guessed = code is not of_server
    words = said(diagnostic) if diagnostic.strip() else None
    return Judged(_by_code(code, words, guessed=guessed) or _by_words(diagnostic, words, text), shown)


def codes_in(text: str) -> Iterator[Code]:
    """The enhanced status codes in a text."""
    return (Code(int(found[1]), int(found[2]), int(found[3])) for found in _CODE.finditer(text[:4000]))


def _by_code(code: Code | None, words: Verdict | None, *, guessed: bool) -> Verdict | None:
    if code is None or code.class_ == 2 or (code.is_vague and code.class_ == 5):
        return None
    kind = code[1:]
    if code.class_ == 4:
        return Verdict.SOFT
    if kind in _HARD:
        return words if words and (guessed or kind == (4, 4)) else Verdict.HARD
    if code.subject in (6, 7) or kind in _POLICY:
        return Verdict.POLICY
    if kind == (2, 1):
        return Verdict.HARD if words is Verdict.HARD else Verdict.SOFT
    if kind == (2, 2) or code.subject == 4:
        return Verdict.SOFT
    return None


def _by_words(diagnostic: str, words: Verdict | None, text: str) -> Verdict:
    reply = _REPLY.search(diagnostic[:4000])
    if reply and reply[1] == "4":
        return Verdict.SOFT
    return words or said(text) or Verdict.SOFT
