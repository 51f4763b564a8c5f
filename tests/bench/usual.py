"""The usual way, as a yardstick: for each reader Jinja, premailer and EmailMessage, and smtplib on a kept connection.

`python -m tests.bench.usual SINCE HOST PORT COUNT`, with the database's URL in BENCH_DATABASE_URL, prints what it took
as JSON. It sends the same mails from the same templates, and neither plans nor keeps a ledger. One message goes before
the clock is started.
"""

import json
import os
import smtplib
import sys
import time
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

from digestmail.clock import system_clock
from digestmail.editions.content import Content
from digestmail.messages.publication import Publication
from digestmail.store.database import Database
from digestmail.tokens import Purpose, Tokens
from tests.bench.installation import SECRET, publication
from tests.bench.options import DATABASE_URL
from tests.bench.readers import Reader, content_of, readers, rendered_alone
from tests.bench.seed import Seeded


def main(database_url: str, since_at: datetime, host: str, port: int, count: int) -> dict[str, float]:
    """Send so many messages; messages, seconds and CPU seconds."""
    database, now = Database(database_url), system_clock()
    content = content_of(database, Seeded(since_at, now, 0), now=now)
    some = list(readers(database, limit=count + 1))
    publisher, tokens = publication(), Tokens(SECRET)
    with smtplib.SMTP(host, port) as client:
        client.send_message(message(content, some[0], publisher=publisher, tokens=tokens, at=now))
        began, used = time.perf_counter(), time.process_time()
        for reader in some[1:]:
            client.send_message(message(content, reader, publisher=publisher, tokens=tokens, at=now))
        seconds, cpu = time.perf_counter() - began, time.process_time() - used
    database.engine.dispose()
    return {"messages": len(some) - 1, "seconds": seconds, "cpu_seconds": cpu}


def message(content: Content, reader: Reader, *, publisher: Publication, tokens: Tokens, at: datetime) -> EmailMessage:
    """A reader's digest, made for that reader alone from the template to the encoding."""
    unsubscribe = tokens.make(Purpose.UNSUBSCRIBE, reader.id)
    rendering = rendered_alone(
        reader, content, delivery_id=reader.id, day=at.date(), publisher=publisher, tokens=tokens
    )
    assert rendering is not None, "each topic has a story"
    mail = EmailMessage(policy=SMTP.clone(max_line_length=998))
    mail["Date"], mail["From"], mail["To"] = at, publisher.sender, reader.email
    mail["Subject"] = f"{publisher.name}: {at:%A}"
    mail["Message-ID"] = f"<{reader.id}.{at:%Y%m%d}@{publisher.domain}>"
    mail["List-Unsubscribe"] = f"<{publisher.url}/u/{unsubscribe}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(rendering.text, cte="quoted-printable")
    mail.add_alternative(rendering.html, subtype="html", cte="quoted-printable")
    return mail


if __name__ == "__main__":
    _, since, to_host, to_port, how_many = sys.argv
    print(
        json.dumps(main(os.environ[DATABASE_URL], datetime.fromisoformat(since), to_host, int(to_port), int(how_many)))
    )
