"""The local inbox's pages and its JSON."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from digestmail.local.inbox import Inbox
from digestmail.local.inbox_server import MailFolder
from tests.web.conftest import Web

FIRST = 1_795_000_000


def put(web: Web, *, number: int = 1, to: str = "maja@example.org", subject: str = "News", html: str = "") -> str:
    """Let the inbox have caught a mail, each later than the one before; its key."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "The Harbour Courier <digest@example.org>", to, subject
    mail.set_content("The text of it.\n")
    if html:
        mail.add_alternative(html, subtype="html")
    folder = web.site.settings.data_dir / "inbox"
    mails = MailFolder(folder, time_ns=lambda: (FIRST + number) * 1_000_000_000)
    mails.store(mail.as_bytes(), sender="digest@example.org", recipients=[to])
    return Inbox(folder).page(1).messages[0].key


def test_an_empty_inbox_says_what_to_do(web: Web) -> None:
    page = web.client.get("/inbox")
    assert page.status_code == 200
    assert "Nothing has come yet" in page.text


def test_mails_stand_newest_first_and_in_pages(web: Web) -> None:
    for number in range(1, 53):
        put(web, number=number, subject=f"Number {number}.")
    first, second = web.client.get("/inbox").text, web.client.get("/inbox?page=2").text
    assert first.index("Number 52.") < first.index("Number 51.")
    assert "Number 2." not in first
    assert "Number 2." in second
    assert 'href="/inbox?to=&amp;page=2"' in first


def test_mails_are_found_by_recipient(web: Web) -> None:
    put(web, number=1, to="maja@example.org", subject="For Maja")
    put(web, number=2, to="noor@example.org", subject="For Noor")
    page = web.client.get("/inbox", params={"to": "noor@example.org"}).text
    assert "For Noor" in page
    assert "For Maja" not in page
    assert "No mail for &lt;b&gt;" in web.client.get("/inbox", params={"to": "<b>"}).text


def test_programs_get_the_list_as_json_with_paths_to_each_part(web: Web) -> None:
    key = put(web, subject="Grüße", html="<p>Hello</p>")
    found = web.client.get("/api/inbox", params={"to": "maja@example.org"}).json()
    assert (found["page"], found["pages"], found["total"]) == (1, 1, 1)
    (message,) = found["messages"]
    assert message["key"] == key
    assert message["recipient"] == "maja@example.org"
    assert message["subject"] == "Grüße"
    assert message["at"].startswith("2026-11-1")
    assert "<p>Hello</p>" in web.client.get(message["html"]).text
    assert "The text of it." in web.client.get(message["text"]).text
    assert web.client.get(message["source"]).text.startswith("Return-Path:")


def test_a_mail_is_shown_in_a_frame_that_runs_no_script(web: Web) -> None:
    key = put(web, html="<html><head><title>x</title></head><body onload='alert()'>Hello</body></html>")
    assert f'src="/inbox/{key}/html"' in web.client.get(f"/inbox/{key}").text
    mail = web.client.get(f"/inbox/{key}/html")
    policy = mail.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "style-src 'unsafe-inline'" in policy
    assert mail.text.endswith('</html>\n<base target="_blank">')


def test_a_mail_without_html_shows_its_text(web: Web) -> None:
    key = put(web)
    page = web.client.get(f"/inbox/{key}").text
    assert "The text of it." in page
    assert "<iframe" not in page
    assert web.client.get(f"/inbox/{key}/html").status_code == 404


@pytest.mark.parametrize("key", ["none", "..%2f..%2fsecret.key", "1795000009.M000000P1Q9.here"])
def test_an_unknown_mail_is_not_found(web: Web, key: str) -> None:
    for part in ("", "/html", "/text", "/source"):
        assert web.client.get(f"/inbox/{key}{part}").status_code == 404


def test_the_inbox_is_hidden_when_mail_leaves_the_machine(make_web: Callable[..., Web]) -> None:
    web = make_web(SMTP_URL="smtp://127.0.0.1:2525")
    key = put(web)
    for path in ("/inbox", f"/inbox/{key}", f"/inbox/{key}/html", f"/inbox/{key}/source", "/api/inbox"):
        assert web.client.get(path).status_code == 404
    assert 'href="/inbox"' not in web.client.get("/").text
