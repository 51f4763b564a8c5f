"""The second journey: seven items of one topic and an announcement come in one mail, once; then only what is new."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.flows.site import Site, part
from tests.flows.wire import wire
from tests.relay import CaughtMail, running

SUBSCRIBERS = (
    "email,topics,time_zone,hour,days,locale,confirmed_at,source\n"
    "ann@example.org,international-relations,Europe/Berlin,7,daily,en,2026-01-01T00:00:00Z,list\n"
    "bob@example.org,international-relations;labour,Europe/Berlin,7,daily,en,2026-01-01T00:00:00Z,list\n"
    "cid@example.org,labour,Europe/Berlin,7,daily,en,2026-01-01T00:00:00Z,list\n"
)


def test_seven_stories_in_one_mail_once(tmp_path: Path, database_url: str) -> None:
    today = datetime.now(UTC).replace(microsecond=0)
    with running() as relay, wire(today) as feed:
        site = Site(
            tmp_path,
            DIGESTMAIL_DATABASE_URL=database_url,
            DIGESTMAIL_SMTP_URL=f"smtp://127.0.0.1:{relay.relay.port}",
        )
        feed.items = [(f"Treaty {number} & its makers", "International Relations") for number in range(7)]
        site.run("topic", "add", "international-relations", "--name", "International Relations")
        site.run("topic", "add", "labour", "--name", "Labour")
        routes = ("International Relations=international-relations", "Strikes=labour")
        site.run("feed", "add", feed.url, "--category", routes[0], "--category", routes[1])
        site.run("announcement", "add", "--title", "Our year-end drive", "--link", "https://example.org/give")
        file = tmp_path / "subscribers.csv"
        file.write_text(SUBSCRIBERS)
        assert site.json("subscriber", "import", str(file))["active"] == 3

        slot = datetime.fromisoformat(site.json("subscriber", "show", "ann@example.org")["next_send_at"])
        first = site.json("tick", "--now", slot.isoformat())
        assert (first["new_items"], first["planned"], first["sent"], first["skipped"]) == (7, 3, 2, 1)
        [mail] = mails(relay.caught, "ann@example.org")
        for form in ("html", "plain"):
            text = part(mail, form)
            assert "Our year-end drive" in text
            for number in range(7):
                title = f"Treaty {number} &amp; its makers" if form == "html" else f"Treaty {number} & its makers"
                assert title in text
                assert f"Excerpt of story {number}" in text
        assert mails(relay.caught, "cid@example.org") == []

        again = site.json("tick", "--now", slot.isoformat())
        assert (again["planned"], again["sent"]) == (0, 0)
        second = site.json("tick", "--now", (slot + timedelta(days=1)).isoformat())
        assert (second["planned"], second["sent"], second["skipped"]) == (3, 0, 3)

        feed.items.append(("A strike ends", "Strikes"))
        third = site.json("tick", "--now", (slot + timedelta(days=2)).isoformat())
        assert (third["new_items"], third["sent"], third["skipped"]) == (1, 2, 1)
        [_, news] = mails(relay.caught, "bob@example.org")
        assert "A strike ends" in part(news, "plain")
        assert "Treaty" not in part(news, "plain")
        assert {mail.recipient for mail in relay.caught} == {"ann@example.org", "bob@example.org", "cid@example.org"}

        [ledger] = site.json("deliveries")
        others = dict.fromkeys(("expired", "failed", "held", "open"), 0)
        assert ledger == {"kind": "digest", "planned": 9, "sent": 4, "skipped": 5, **others}


def mails(caught: list[CaughtMail], recipient: str) -> list[EmailMessage]:
    return [message_from_bytes(mail.data, policy=policy.default) for mail in caught if mail.recipient == recipient]
