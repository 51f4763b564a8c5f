"""What the wire tells of a message under way: the steps to its end, as values. `tag` is the message's."""

from typing import NamedTuple

from digestmail.deliveries.outcome import Reply


class Ready(NamedTuple):
    """The body is out and waits for its dot."""

    tag: int


class Refused(NamedTuple):
    """The server does not take this message; it said so before the dot."""

    tag: int
    reply: Reply


class Returned(NamedTuple):
    """Nothing was taken, through no fault of the message: it may be offered again. `reply` if there was one."""

    tag: int
    reply: Reply | None = None


class Answered(NamedTuple):
    """The server's answer to the dot; None where none came."""

    tag: int
    reply: Reply | None


Event = Ready | Refused | Returned | Answered
