"""The ledger: every change of a delivery's state but its planning, and nothing else.

    (plan) ──> due ──claim──> claimed ──mark──> dotted ──settle──> sent
                ▲ ▲              │                │
                │ └─give_back,───┤                ├──settle──> failed · expired
                │        reap    │                ├──settle──> deferred ──claim──> claimed
                │                │                └──settle, reap──> doubt ──resolve──> sent · failed · held · due
                │                ├──settle──> skipped · failed · expired · deferred
                │                └──settle, reap──> held
                │                                    │
                └───────────────release──────────────┴──drop──> skipped
    due, deferred ──expire, replace──> expired

`dotted` is written before the final dot of a message goes out (RFC 1047: between the dot and our note of the reply
nobody knows who has the message). So a crash or a silent server leaves in doubt only rows that are dotted, and
`digestmail.deliveries.doubt` resolves them. The mark is a fence: it succeeds only for the claim that holds the row, and
only while the subscriber may be written to. Whatever is held waits for the operator; every other delivery ends in
exactly one of sent, skipped, failed, expired.

The statements are built once and their text never changes, so that SQLAlchemy and PostgreSQL keep them compiled.
"""

from digestmail.deliveries.ledger.claims import close_claim, open_claim, open_claims, renew
from digestmail.deliveries.ledger.resolve import doubt_what_is_open, drop, hold_doubts, release, resolve
from digestmail.deliveries.ledger.take import Claimed, claim, claim_suspects
from digestmail.deliveries.ledger.tries import Ended, give_back, mark, settle
from digestmail.deliveries.ledger.upkeep import expire, reap, replace
from digestmail.store.states import ENDS, OPEN

__all__ = (
    "ENDS", "OPEN", "Claimed", "Ended", "claim", "claim_suspects", "close_claim", "doubt_what_is_open", "drop",
    "expire", "give_back", "hold_doubts", "mark", "open_claim", "open_claims", "reap", "release", "renew", "replace",
    "resolve", "settle",
)  # fmt: skip
