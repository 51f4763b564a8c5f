"""What comes back: bounces, complaints and automatic replies are understood, counted once, and stop the next mail.

    bytes ──parts──> Part ──read──> Report ──take──> history, suppression
                              ▲                 ▲
    webhook ──────────────────┴── providers ────┘

Anybody can write a message that looks like a bounce and names any address. So nothing is counted unless it holds
something that only we can have made, or comes from a provider whose signature holds (see `proof`).
"""
