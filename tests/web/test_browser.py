"""The form in a real browser: the time zone is filled in, and the keyboard is enough."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from digestmail.store.states import Kind, Standing
from digestmail.tokens import Purpose
from tests.web.conftest import Web
from tests.web.test_gave import announce
from tests.web.test_gave import link as gave_link
from tests.web.test_inbox import put
from tests.web.test_operator_feeds import flood
from tests.web.test_own_data import link as letter_link

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page of a reader in Katmandu who has a narrow phone; what the browser complains of fails the test."""
    context = browser.new_context(timezone_id="Asia/Katmandu", viewport={"width": 375, "height": 700}, base_url=address)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert [text for text in complaints if "422" not in text] == []


def test_the_browser_fills_in_the_time_zone(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Katmandu")


def test_without_scripts_the_form_works_in_the_zone_of_the_publication(
    browser: Browser, address: str, web: Web
) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=address)
    page = context.new_page()
    page.goto("/?topics=climate")
    page.get_by_label("Email address").fill("maja@example.org")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert web.subscriber().time_zone == "UTC"
    context.close()


def test_a_reader_signs_up_and_confirms_by_keyboard_alone(page: Page, web: Web) -> None:
    page.goto("/")
    press(page, *["Tab"] * 4, "Space", "Tab", "Tab", "Space", "Tab")
    page.keyboard.type("maja@example")
    press(page, "Tab", "Enter", "Tab", "ArrowDown", "Shift+Tab", "Shift+Tab", "Enter")
    expect(page.locator("#email-problem")).to_be_visible()
    expect(page.get_by_label("Email address")).to_be_focused()
    press(page, "End")
    page.keyboard.type(".org")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert (web.subscriber().hour, web.subscriber().time_zone) == (8, "Asia/Katmandu")

    page.goto(web.confirmation_link())
    press(page, "Tab", "Tab", "Tab", "Enter")
    expect(page.get_by_role("heading", name="You are in")).to_be_visible()
    assert web.subscriber().standing == Standing.ACTIVE


def test_a_reader_who_gave_hides_the_appeal_and_shows_it_again(page: Page, web: Web) -> None:
    reader = web.subscribe()
    announce(web, "Keep the lamp lit " + "x" * 60)
    page.goto(gave_link(web, reader))
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    press(page, "Tab", "Tab", "Tab", "Enter")
    expect(page.get_by_role("heading", name="Thank you for giving")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="As it was before")).to_be_visible()
    page.get_by_role("link", name="Hide it").click()
    expect(page.get_by_role("button", name="I already gave: hide this until the season ends")).to_be_visible()


def test_a_reader_pauses_and_resumes_by_keyboard_alone(page: Page, web: Web) -> None:
    page.goto(web.link(Purpose.PREFERENCES, web.subscribe()))
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.get_by_label("Digests come again from").focus()
    page.keyboard.type("12062026")
    press(page, "Enter")
    expect(page.get_by_role("status")).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("paused until Sunday, 6 December 2026.")
    assert str(web.subscriber().paused_until_day) == "2026-12-06"
    page.get_by_role("button", name="Resume now").focus()
    press(page, "Enter")
    expect(page.get_by_role("status")).to_contain_text("The pause is over.")
    assert web.subscriber().paused_until_day is None
    page.get_by_label("Labour").uncheck()
    page.get_by_role("button", name="2 weeks").click()
    expect(page.get_by_role("status")).to_contain_text("You dropped Labour.")
    assert str(web.subscriber().paused_until_day) == "2026-12-07"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_reader_drops_a_topic_and_takes_it_back(browser: Browser, address: str, web: Web, scripts: bool) -> None:
    reader = web.subscribe()
    context = browser.new_context(java_script_enabled=scripts, base_url=address, viewport={"width": 375, "height": 700})
    page = context.new_page()
    page.goto(web.link(Purpose.UNSUBSCRIBE, reader))
    press(page, *["Tab"] * 4, "Space", *["Tab"] * 2, "Enter")
    expect(page.get_by_role("heading", name="Dropped")).to_be_visible()
    expect(page.get_by_text("You still get Labour.")).to_be_visible()
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_role("status")).to_contain_text("You added Climate.")
    context.close()


def test_a_reader_leaves_and_says_why(page: Page, web: Web) -> None:
    page.goto(web.link(Purpose.UNSUBSCRIBE, web.subscribe()))
    press(page, "Tab", "Tab", "Tab", "Enter")
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    page.get_by_label("Too many mails").check()
    page.get_by_label("In your own words").fill("Twice a week would do.")
    press(page, "Enter")
    expect(page.get_by_role("status")).to_contain_text("Thank you for telling us")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert web.subscriber().standing == Standing.UNSUBSCRIBED


def test_a_reader_moves_to_another_address_and_is_then_forgotten(page: Page, web: Web) -> None:
    reader = web.subscribe()
    page.goto(web.link(Purpose.PREFERENCES, reader))
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()

    page.goto(letter_link(web, Purpose.ACCESS, Kind.ACCESS, reader))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download it all").click()
    assert json.loads(download.value.path().read_text())["subscriber"]["email"] == "maja@example.org"
    page.get_by_label("New email address").fill("maja@new")
    press(page, "Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    press(page, "Tab", "Enter", "End")
    page.keyboard.type(".example")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Look into both mailboxes")).to_be_visible()

    new = web.subscriber("maja@new.example").id or 0
    page.goto(letter_link(web, Purpose.MOVE, Kind.MOVE, new))
    press(page, "Tab", "Tab", "Tab", "Enter")
    expect(page.get_by_role("heading", name="Your digest has moved")).to_be_visible()
    assert web.subscriber("maja@new.example").id == reader

    web.later(minutes=10)
    page.goto(web.link(Purpose.PREFERENCES, reader))
    page.get_by_role("button", name="Mail me a link").click()
    page.goto(letter_link(web, Purpose.ACCESS, Kind.ACCESS, reader))
    page.get_by_role("link", name="Forget me").click()
    page.get_by_role("button", name="Forget me").click()
    expect(page.get_by_role("heading", name="We have forgotten you")).to_be_visible()
    assert "maja" not in str(web.rows())


def test_a_mail_fits_its_frame_and_its_links_open(page: Page, web: Web) -> None:
    story = '<p style="height: 500px"><a href="/?topics=city">A story</a></p>'
    key = put(web, html=f"<!doctype html><html><head><title>News</title></head><body>{story * 3}</body></html>")
    page.goto(f"/inbox/{key}")
    frame = page.locator("iframe")
    expect(frame).to_have_css("height", re.compile(r"^15\d\dpx$"))
    with page.expect_popup() as opened:
        frame.content_frame.get_by_role("link").first.click()
    expect(opened.value.get_by_label("City & Hall")).to_be_checked()


def test_an_arabic_reader_signs_up_from_right_to_left(page: Page, web: Web) -> None:
    page.goto("/")
    page.get_by_role("link", name="العربية").click()
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    expect(page.locator("body")).to_have_css("direction", "rtl")
    box, name = (page.locator(found).first.bounding_box() for found in (".row input", ".row-name"))
    assert box
    assert name
    assert box["x"] > name["x"] + name["width"] / 2
    expect(page.get_by_label("المنطقة الزمنية")).to_have_value("Asia/Katmandu")
    page.get_by_label("البريد الإلكتروني").fill("maja@example.org")
    page.get_by_role("button").click()
    expect(page.locator("#topics-problem")).to_contain_text("يُرجى اختيار موضوع واحد على الأقل.")
    page.get_by_label("Climate").check()
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="تفقّد بريدك")).to_be_visible()
    assert web.subscriber().locale == "ar"


def test_nothing_is_wider_than_a_phone(page: Page) -> None:
    for path in ("/", "/?lang=ar", "/?lang=es", "/inbox", "/operator"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_the_operator_lets_a_flood_through_on_a_phone(page: Page, web: Web) -> None:
    flood(web, "صحيفة المرفأ اليومية " + "x" * 100, items=30)
    page.goto("/operator")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    [bars] = page.get_by_role("img", name="Items a day in the last 14 days").all()
    size = bars.bounding_box()
    assert size is not None
    assert size["width"] > 80
    assert size["height"] > 20
    page.get_by_role("button", name="Let them through").click()
    expect(page.get_by_role("status")).to_contain_text("30 items of صحيفة المرفأ اليومية")
    expect(page.get_by_role("status")).to_be_in_viewport()
    expect(page.get_by_role("button")).to_have_count(0)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
