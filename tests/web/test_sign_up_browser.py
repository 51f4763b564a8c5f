"""The sign-up page in a real browser: on one screen of a phone, told at once, and ours alone."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Response, Route, expect

from digestmail.feeds.manage import add_topic
from digestmail.web.guard.verdict import Rules
from tests import services
from tests.web.conftest import Web, listening
from tests.web.test_taste import CITY, CLIMATE, LABOUR, publish

pytestmark = pytest.mark.browser

PHONE = {"width": 375, "height": 667}


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page of a reader in Katmandu at a desk; what the browser complains of fails the test."""
    context = browser.new_context(
        timezone_id="Asia/Katmandu", viewport={"width": 1280, "height": 800}, base_url=address
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert [text for text in complaints if "422" not in text] == []


def sample(page: Page) -> FrameLocator:
    return page.frame_locator(".taste iframe")


@pytest.mark.parametrize("code", ["en", *(pytest.param(code, marks=pytest.mark.long) for code in ("es", "ar"))])
def test_five_topics_the_address_and_the_button_are_on_the_first_screen_of_a_phone(
    page: Page, web: Web, code: str
) -> None:
    with web.database.transaction() as session:
        for slug, name in (("books", "Books & Arts"), ("world", "International Relations")):
            add_topic(
                session, slug=slug, name=name, description="What to read, hear and see, by people who finished it."
            )
    publish(web, "The river rises", CLIMATE)
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.goto(f"/?lang={code}")
    for part in ("h1", ".lede", "#email", "button"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    expect(page.locator(".row")).to_have_count(5)
    expect(page.locator(".row").last).to_be_in_viewport(ratio=1)
    assert all((row.bounding_box() or {"height": 0})["height"] >= 24 for row in page.locator(".row").all())
    expect(page.locator(".taste iframe")).to_be_hidden()
    page.locator(".taste-link a").click()
    expect(page.get_by_role("heading", name="The river rises")).to_be_visible()


def test_what_is_wrong_is_said_once_a_field_is_left_and_taken_back_once_it_is_right(page: Page) -> None:
    page.goto("/")
    email, problem = page.get_by_label("Email address"), page.locator("#email-problem")
    email.press_sequentially("maja@example")
    expect(problem).to_have_count(0)
    email.press("Tab")
    expect(problem).to_have_text(re.compile("what follows the @ needs a dot"))
    expect(problem.locator("xpath=..")).to_have_attribute("aria-live", "polite")
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_attribute("aria-describedby", "email-problem")
    email.press_sequentially(".org")
    expect(problem).to_have_count(0)
    expect(email).to_have_attribute("aria-invalid", "false")
    topic = page.get_by_label("Climate")
    topic.check()
    topic.uncheck()
    expect(page.locator("#topics-problem")).to_have_count(0)
    email.focus()
    expect(page.locator("#topics-problem")).to_have_text("Please choose at least one topic.")


def test_a_form_that_cannot_be_right_is_not_sent(page: Page, web: Web) -> None:
    page.goto("/?lang=es")
    page.get_by_role("button").click()
    expect(page.locator("#topics-problem")).to_have_text("Elige al menos un tema.")
    expect(page.locator("#email-problem")).to_have_text("Escribe tu dirección de correo.")
    expect(page.get_by_label("Climate")).to_be_focused()
    page.keyboard.press("Space")
    page.get_by_label("Dirección de correo").fill("maja")
    page.get_by_role("button").click()
    expect(page.get_by_label("Dirección de correo")).to_be_focused()
    expect(page.locator("#email-problem")).to_have_text(re.compile("le falta la @"))
    assert not web.rows()["subscribers"]
    page.get_by_label("Dirección de correo").fill("maja@example.org")
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Mira tu correo")).to_be_visible()
    assert web.subscriber().email == "maja@example.org"


def test_the_line_says_when_it_comes_and_follows_the_choice(page: Page, web: Web) -> None:
    page.goto("/?topics=city")
    line = page.locator("summary")
    expect(line).to_contain_text("7:00 · Every day · Katmandu")
    line.click()
    page.get_by_label("Hour").select_option("18:00")
    page.get_by_label("Days").select_option("Once a week: Sunday")
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    expect(line).to_contain_text("18:00 · Once a week: Sunday · Tokyo")
    page.get_by_label("Email address").fill("maja@example.org")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    reader = web.subscriber()
    assert (reader.hour, reader.days, reader.time_zone) == (18, 0b1000000, "Asia/Tokyo")


def test_the_sample_follows_the_topics_without_a_trace_in_the_history(page: Page, web: Web) -> None:
    publish(web, "The river rises", CLIMATE)
    publish(web, "The harbour strikes", LABOUR)
    page.goto("/")
    before = page.evaluate("history.length")
    expect(sample(page).get_by_role("heading", name="The river rises")).to_be_visible()
    page.get_by_label("Labour").check()
    expect(sample(page).get_by_role("heading", name="The river rises")).to_have_count(0)
    expect(sample(page).get_by_role("heading", name="The harbour strikes")).to_be_visible()
    assert page.evaluate("history.length") == before


def test_the_page_with_its_sample_is_small_and_asks_nobody_else(page: Page, web: Web, address: str) -> None:
    for topic in (CLIMATE, LABOUR, CITY):
        for number in range(9):
            publish(web, f"Headline {number} of {topic} " + "and so on " * 20, topic)
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto("/?lang=ar", wait_until="networkidle")
    paths = {urlsplit(answer.url).path for answer in answers}
    assert {"/", "/sample", "/static/pages.css", "/static/sign_up.js"} <= paths
    assert {urlsplit(answer.url).netloc for answer in answers} == {urlsplit(address).netloc}
    assert sum(len(answer.body()) for answer in answers) < 100_000


def test_without_scripts_everything_can_be_chosen(browser: Browser, address: str, web: Web) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=address)
    page = context.new_page()
    page.goto("/?topics=climate")
    page.get_by_role("button", name="Sign up").click()
    expect(page.locator("#email-problem")).to_have_text("Please give your mail address.")
    page.get_by_label("Email address").fill("maja@example.org")
    page.locator("summary").click()
    page.get_by_label("Days").select_option("weekdays")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert web.subscriber().days == 0b0011111
    context.close()


@pytest.mark.long
def test_whom_the_browser_helps_to_be_quick_is_asked_nothing_more(
    browser: Browser, make_web: Callable[..., Web]
) -> None:
    web, port = make_web(rules=Rules()), services.free_port()
    began = web.now

    def let_time_pass(route: Route) -> None:
        web.now = began + timedelta(seconds=time.monotonic() - opened)
        route.continue_()

    with listening(web, port):
        page = browser.new_page(base_url=f"http://127.0.0.1:{port}")
        page.route("**/sign-up", let_time_pass)
        opened = time.monotonic()
        page.goto("/?topics=climate")
        page.get_by_label("Email address").fill("maja@example.org")
        page.get_by_role("button", name="Sign up").click()
        expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
        page.close()
    assert web.subscriber().email == "maja@example.org"
