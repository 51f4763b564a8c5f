"""The mail to the operator names each feed with what happened and what to do, whatever the feeds call themselves."""

from dataclasses import replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from digestmail.messages.message import Message, notice_id
from digestmail.messages.notice import SHOWN, Told, compose_notice
from digestmail.store.states import Trouble
from tests.messages.samples import AT, PUBLICATION, TOKENS, html_of, parsed, text_of


def told(
    number: int | None = 1, name: str = "Harbour", trouble: Trouble | None = Trouble.FAILING, **changes: str
) -> Told:
    text = changes.get("text", f"{name} has failed since Monday: it answered 500.")
    return Told(feed_id=number, name=name, url=f"https://feeds.example/{number}.xml", trouble=trouble, text=text)


def composed(*entries: Told, known: tuple[str, ...] = ()) -> Message:
    return compose_notice(
        entries,
        known=known,
        notices=[entry.feed_id or 0 for entry in entries],
        recipient="operator@courier.example",
        publication=PUBLICATION,
        installation=TOKENS.installation,
        date_at=AT,
    )


def subject(*entries: Told) -> str:
    return str(parsed(composed(*entries))["Subject"])


OUTAGE = Told(feed_id=None, name="", url="", trouble=Trouble.FAILING, text="No feed has answered since Monday.")


def test_both_forms_say_what_happened_what_to_do_and_where() -> None:
    message = composed(told(1, "Harbour"), told(2, "Coast", Trouble.SILENT, text="Coast has brought none for 4 days."))
    text, html = text_of(message), html_of(message)
    assert "FAILING\nHarbour has failed since Monday: it answered 500.\n→ It is tried again by itself." in text
    assert "SILENT\nCoast has brought none for 4 days.\n→ Look at its site" in text
    assert ">Harbour</b> has failed since Monday: it answered 500.</p>" in html
    for form in (text, html):
        assert "https://feeds.example/1.xml" in form
        assert f"{PUBLICATION.url}/operator" in form


def test_its_headers_are_those_of_a_machine_s_mail() -> None:
    message = composed(told())
    mail = parsed(message)
    assert (mail["From"], mail["To"]) == (PUBLICATION.sender, "operator@courier.example")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] == "Mon, 23 Nov 2026 06:00:00 +0000"
    assert mail["Message-ID"] == message.message_id
    assert not [name for name in mail if name.startswith("List-")]
    assert (message.sender, message.recipient) == (PUBLICATION.sender_address, "operator@courier.example")


def test_the_form_of_its_message_id_is_pinned() -> None:
    assert (
        notice_id([1, 2, 30], installation="0a1b2c3d", domain="courier.example")
        == "<c8d59cbf72ec6315.notice.0a1b2c3d@courier.example>"
    )


def test_the_same_notices_have_the_same_message_id_and_others_another() -> None:
    same = {notice_id(order, installation="x", domain="y") for order in permutations([1, 2, 3])}
    assert len(same) == 1
    assert notice_id([12, 3], installation="x", domain="y") != notice_id([1, 23], installation="x", domain="y")


def test_the_subject_counts_and_names_feeds() -> None:
    assert subject(told()) == "1 feed needs you: Harbour"
    assert subject(told(1, "Harbour"), told(2, "Coast")) == "2 feeds need you: Coast, Harbour"
    five = [told(number, f"Feed {number}") for number in range(1, 6)]
    assert subject(*five) == "5 feeds need you: Feed 1, Feed 2, Feed 3 and 2 more"
    assert subject(told(trouble=None)) == "1 feed is well again: Harbour"
    assert subject(told(trouble=None), told(2, "Coast", None)) == "2 feeds are well again: Coast, Harbour"
    assert subject(told(trouble=None), told(2, "Coast")) == "1 feed needs you: Coast"


def test_the_worst_comes_first_and_good_news_last() -> None:
    entries = [told(number, f"F{number}", trouble) for number, trouble in enumerate((None, *reversed(Trouble)))]
    text = text_of(composed(*entries))
    places = [text.index(f"\n{label}\n") for label in ("GONE", "FAILING", "WAITS FOR YOU", "SILENT", "WELL AGAIN")]
    assert places == sorted(places)


def test_when_nothing_can_be_read_that_is_the_first_thing_said() -> None:
    message = composed(told(1, "Harbour", Trouble.GONE), OUTAGE)
    assert subject(told(1, "Harbour", Trouble.GONE), OUTAGE) == "No feed can be read"
    text = text_of(message)
    assert "\nNo feed can be read.\n\nFAILING\nNo feed has answered since Monday.\n\nGONE\n" in text


def test_what_is_known_already_is_named_in_a_line() -> None:
    known = ("Alpha", "Beta", "Gamma", "Delta")
    for form in (text_of(composed(told(), known=known)), html_of(composed(told(), known=known))):
        assert "Still in trouble, as you were told before: Alpha, Beta, Gamma and 1 more." in form.replace("\n", " ")
    assert "Still in trouble" not in text_of(composed(told()))


def test_a_thousand_feeds_make_a_short_mail() -> None:
    message = composed(*(told(number, f"Feed {number}") for number in range(1, 1001)))
    assert "1,000 feeds need you" in text_of(message)
    assert text_of(message).count("FAILING") == SHOWN
    assert f"And {1000 - SHOWN} more, on the operator's page." in text_of(message)
    assert len(message.data) < 90_000


def test_what_feeds_say_is_shown_and_never_read_as_html() -> None:
    name = "<script>alert(1)</script> & “Söhne”"
    html = html_of(composed(told(1, name, text=f"{name} has failed: <b>no</b>.")))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; “Söhne”" in html
    assert "<b>no" not in html


def test_a_title_that_was_written_from_right_to_left_stands_apart_from_the_sentence() -> None:
    html = html_of(composed(told(1, "المرفأ", text="المرفأ has failed.")))
    assert '<b dir="auto">المرفأ</b> has failed.' in html


def test_only_an_address_of_the_web_becomes_a_link() -> None:
    message = composed(replace(told(), url="javascript:alert(1)"))
    assert "javascript" not in html_of(message) + text_of(message)


def test_a_feed_that_was_renamed_since_keeps_its_sentence() -> None:
    assert "Old has failed." in html_of(composed(told(1, "New", text="Old has failed.")))


def test_no_line_begins_with_a_dot() -> None:
    dots = replace(PUBLICATION, name="... " + "." * 70, postal_address="." * 300)
    message = compose_notice(
        [told(1, "." * 300, text="." * 600)],
        known=["." * 80] * 4,
        notices=[1],
        recipient="operator@courier.example",
        publication=dots,
        installation="x",
        date_at=AT,
    )
    assert message.wire_ready
    assert not any(line.startswith(b".") for line in message.data.split(b"\r\n"))


@given(st.text(max_size=400), st.text(max_size=2000), st.text(max_size=300))
def test_nothing_that_a_feed_says_breaks_the_mail(name: str, rest: str, url: str) -> None:
    entry = Told(feed_id=1, name=name, url=url, trouble=Trouble.FAILING, text=name + rest)
    message = composed(entry, known=(name, rest))
    mail = parsed(message)
    assert len(str(mail["Subject"])) < 300
    assert max(map(len, message.data.split(b"\r\n"))) <= 998
    assert mail.get_content_type() == "multipart/alternative"
    assert len(mail.keys()) == 8
    assert html_of(message).count("<a ") <= 2
    assert "FAILING" in text_of(message)
