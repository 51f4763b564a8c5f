"""What mail servers write where they give no code, or one that says nothing: words, and what they mean (pure)."""

import re

from digestmail.deliveries.bounces.report import Verdict
from digestmail.deliveries.bounces.wording import any_of

_WHO = r"(?:user(?:name)?|recipient|mailbox|account|address(?:ee)?|alias|login|destination|e-?mail)"
_GAP = r"[^.;\n]{0,60}?"

_SENDER = any_of(
    r"sender (?:address|domain|verif\w+|rejected|denied|unknown|not|is)|unknown sender",
    r"your (?:domain|ip|server|host)\b|(?:helo|ehlo|client host|reverse dns|\bptr\b|\bmail from\b)",
)
"""Of these the sender is meant, whatever else is said not to exist."""

_POLICY = any_of(
    r"\bspam\b|\bspammy|black ?list|block ?list|deny ?list|grey ?list|\bblocked\b|spamhaus|spamcop",
    r"\bsorbs\b|barracuda|\bdnsbl\b|\brbl\b|\burib?l\b|reputation|\bdmarc\b|\bspf\b|\bdkim\b",
    r"\bpolic(?:y|ies)\b|\bvirus|malware|phish|unsolicited|\bjunk\b|\bbulk\b",
    r"content (?:reject|filter|denied)|rejected for",
    r"relay(?:ing)? (?:is )?(?:denied|not|access|prohibited)|unable to relay|not (?:a )?relay",
    r"allowed rcpthosts|not permitted|not allowed|prohibited|access (?:is )?denied",
    r"authentication (?:is )?required|unauthenticated|unauthori[sz]ed|too (?:large|big|long|many)",
    r"size limit|message size|maximum size",
    r"exceeds? (?:the )?(?:fixed |maximum |allowed )?(?:message|size|limit)|rate limit|\bbanned\b",
    r"suspicious|not accepting mail (?:with|from)|attachment|objectionable|refused by|restricted",
    r"permission|spamassassin|content-?type|\bscore\b|sender is not|open proxy|dynamic ip",
)
_FULL = any_of(
    r"over ?-?quota|quota (?:is )?(?:exceeded|full)",
    r"exceed(?:s|ed|ing)?[^.;\n]{0,40}(?:quota|storage|disk|mailbox)|quota",
    r"insufficient (?:disk|system storage|storage|space)|out of (?:e-?mail )?(?:storage|space)",
    r"not enough (?:storage|space)",
    r"(?:mail ?box|inbox|mail ?folder|mail ?drop|mail ?dir|spool|storage|disk"
    r"|account)\b[^.;\n]{0,40}\b(?:is )?(?:full|exceed\w*|over)\b",
    r"would exceed|too much mail data|space left|too many messages",
)
_EXPIRED = any_of(
    r"malformed (?:or unexpected )?name server",
    r"(?:message|delivery|delivery time|retry time(?:out)?|queue|time)\b[^.;\n]{0,30}\b(?:expired"
    r"|exceeded|too long)",
    r"timed? ?out|could not be delivered (?:for|within)|been in the queue|retry time not reached",
    r"not be delivered for \d|connection (?:refused|timed|reset|lost|dropped)|try again|temporar",
)
_DISABLED = any_of(
    r"\b(?:disabled|inactive|suspended|deactivated|discontinued|not active|isn't active|locked|frozen"
    r"|on hold|not enabled|not accepting (?:mail|messages)|mailbox unavailable)\b",
)
_GONE = any_of(
    r"\bno mail box\b|bad_recipient",
    rf"\b{_WHO}\b{_GAP}\b(?:unknown|not found|could not be found|(?:does|did|do)(?:n't| not) exist"
    r"|cannot be found|can't be found|is not known|not exist(?:ing)?|non-?existent|not listed"
    r"|not recogni[sz]ed|invalid|no longer (?:exists|valid|in use|available|with us|here"
    r"|on (?:this )?server)|closed|terminated|was removed|not (?:a )?known|isn't known)",
    r"\b(?:unknown|no such|non-?existent|invalid|undefined|unrecogni[sz]ed|unkown|bad destination|bad"
    rf"|no) (?:local |or (?:illegal|invalid) |final |virtual |mail )?{_WHO}(?: in (?:virtual|local))?\b",
    r"\bno (?:mailbox|account|user|person|one)(?: here)?(?: by| with| called| named)",
    r"\bno (?:such )?(?:mailbox|user|recipient|person|alias|address)(?: here)?\b",
    r"(?:does(?:n't| not)|don't|do not) have (?:an?|any) (?:\S+ ){0,3}(?:account|mailbox|user)",
    r"not (?:a |an |our )(?:valid|known|local|active|current|registered)? ?(?:mailbox|user|customer"
    r"|recipient|address|account)",
    r"(?:was |were |is )?not (?:found|listed) in (?:the )?(?:\S+ )?(?:directory|domino|address book"
    r"|name ?& ?address|public)",
    r"not listed in|unable to find (?:the )?(?:recipient|user|mailbox|host)",
    r"no longer works? (?:here|for|at)",
    r"\b(?:domain|host|server)(?: name)?\b[^.;\n]{0,40}?(?:not found|(?:does|did)(?:n't| not) exist"
    r"|unknown|could not be found|isn't known|non-?existent)",
    r"\b(?:unknown|unresolv\w+|bad|no such|non-?existent|illegal) (?:domain|host|site)|\bnxdomain\b",
    r"\bnull mx\b|unrout(?:e)?able|couldn't find any host|non-existent hosts",
    r"does not (?:accept|receive) (?:e-?mail|mail)\b|name or service not known|not our customer",
    r"addresse?e? unknown|niet gevonden|nieznany|nie ma takiego|unbekannt|inconnu|desconocid",
)
_STILL_TRYING = any_of(
    r"will (?:continue|keep|be retr|retry|still)[^.;\n]{0,60}",
    r"(?:delivery|message|mail)\b[^.;\n]{0,40}\b(?:is |was |has been |have been )?delayed",
    r"do(?: not|n't) need to (?:resend|re-?send|retry)|no action is required",
    r"still (?:being|trying|undelivered)|this is (?:only )?a warning",
    r"warning: (?:message|could not|mail)|not yet (?:been )?delivered",
    r"attempts? to deliver[^.;\n]{0,40}continue|will try again",
)
_NO_MORE = any_of(
    r"giv(?:en|ing) up|permanent|will not (?:be )?(?:retry|retried|try)|undeliverable",
    r"returned to sender|fatal|no further attempts",
)

_MAIL_ADDRESS = re.compile(r"[\w.+=~*'-]{1,64}@[\w.-]{1,255}")
_LONGEST = 4000


def said(text: str) -> Verdict | None:
    """What a server's words mean for the recipient; None where they tell nothing.

    Of words that speak of the sender or of the message, nothing else in the same answer is believed.
    """
    text = _MAIL_ADDRESS.sub("address", text[:_LONGEST])
    if _FULL.search(text):
        return Verdict.SOFT
    if _SENDER.search(text) or _POLICY.search(text):
        return Verdict.POLICY
    if _GONE.search(text):
        return Verdict.HARD
    if _DISABLED.search(text) or _EXPIRED.search(text):
        return Verdict.SOFT
    return None


def says_gone(text: str) -> bool:
    """Whether the words say that the mailbox or its domain does not exist, and speak of nothing else."""
    return said(text) is Verdict.HARD


def says_delayed(text: str) -> bool:
    """Whether the words say that the message is still being tried."""
    text = text[:_LONGEST]
    return bool(_STILL_TRYING.search(text)) and not _NO_MORE.search(text)
