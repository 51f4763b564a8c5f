"""Whose message came back: what only we can have made is looked for in it, since anybody can forge all the rest.

Looked for, the best first: the token in our envelope sender (VERP), in the address that the report was sent to or in a
header; a link of ours with its token, in what the report returns of our message; our Message-ID, which proves
nothing. A recipient's address alone proves nothing either, in whichever field it stands.
"""

import re
from collections.abc import Iterator

from digestmail.deliveries.bounces.parts import Taken
from digestmail.deliveries.bounces.report import Proof
from digestmail.errors import TokenError
from digestmail.messages.envelope import ReturnAddress
from digestmail.messages.message import MessageName, read_message_id
from digestmail.messages.publication import Publication
from digestmail.tokens import TOKEN_LENGTH, Purpose, Tokens

_LINK = re.compile(rf"/(u|d|c|me|move|stay)/([A-Za-z0-9_-]{{{TOKEN_LENGTH}}})(?![A-Za-z0-9_-])")
_NAMES_A_DELIVERY = {
    "d": Purpose.VIEW,
    "c": Purpose.CONFIRM,
    "me": Purpose.ACCESS,
    "move": Purpose.MOVE,
    "stay": Purpose.STAY,
}
_MOST_LINKS = 20
_NOT_THE_ADDRESSEE = frozenset({"subject", "received", "dkim-signature", "references", "in-reply-to"})


class Proofs:
    """Finds in what came back to one installation whose message it was."""

    def __init__(self, publication: Publication, tokens: Tokens) -> None:
        self._tokens = tokens
        self._domain = publication.domain
        self._returns = ReturnAddress(publication, tokens)

    def of_address(self, address: str) -> int | None:
        """The delivery whose envelope sender an address is; None where it is none, or forged."""
        return self._returns.read(address)

    def of_message(self, message: Taken, *, recipient: str = "") -> Proof:
        """What a message proves, which was sent to `recipient` where that is known."""
        fields = [value for part in message.enclosed for _, value in part.fields]
        returned = "\n".join(fields + [part.text for part in message.parts])
        headers = "\n".join(value for name, value in message.head.fields if name not in _NOT_THE_ADDRESSEE)
        delivery_id = self.of_address(recipient)
        for text in (headers, returned):
            delivery_id = self._returns.find(text) if delivery_id is None else delivery_id
        subscriber_id = None
        for place, number in self._links(returned):
            if place == "u":
                subscriber_id = number if subscriber_id is None else subscriber_id
            elif delivery_id is None:
                delivery_id = number
        return Proof(delivery_id, subscriber_id, message_name=self.name(returned))

    def of_event(self, *texts: str) -> Proof:
        """What a provider's event says, which is signed, and where our envelope sender or Message-ID may stand."""
        text = "\n".join(texts)
        return Proof(self._returns.find(text), addressed=True, message_name=self.name(text))

    def name(self, text: str) -> MessageName | None:
        """The Message-ID of ours in a text."""
        return read_message_id(text, installation=self._tokens.installation, domain=self._domain)

    def _links(self, text: str) -> Iterator[tuple[str, int]]:
        for place, token in _LINK.findall(text)[:_MOST_LINKS]:
            try:
                yield place, self._tokens.read(_NAMES_A_DELIVERY.get(place, Purpose.UNSUBSCRIBE), token)
            except TokenError:
                continue
