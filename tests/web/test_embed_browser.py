"""The sign-up form on another site, in a real browser: two origins, and a gate that asks one more step."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, expect

from digestmail.web.guard.verdict import Rules
from tests import services
from tests.web.conftest import UNHURRIED, Web, listening
from tests.web.test_embed import codes

pytestmark = [pytest.mark.browser, pytest.mark.long]

PLAIN, FRAME, SCRIPT = range(3)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a reader in Katmandu on a narrow phone."""
    context = browser.new_context(timezone_id="Asia/Katmandu", viewport={"width": 320, "height": 700})
    yield context.new_page()
    context.close()


@dataclass(slots=True)
class Other:
    """Another site, whose every page shows what was pasted into it."""

    url: str
    pasted: str = ""


@contextmanager
def other_site() -> Iterator[Other]:
    """It listens on a port of its own, so it is of another origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(f"<!doctype html><title>Other</title><h1>{self.path}</h1>{other.pasted}".encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        other = Other(f"http://localhost:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield other
        server.shutdown()
        thread.join()


@pytest.fixture
def sites(make_web: Callable[..., Web]) -> Iterator[Callable[..., tuple[Web, Other]]]:
    """Starts the app, and another site that has pasted one of its snippets."""
    with other_site() as other:
        running = []

        def start(
            which: int, query: str = "topics=climate,city", rules: Rules = UNHURRIED, **settings: str
        ) -> tuple[Web, Other]:
            port = services.free_port()
            settings = {name: value.replace("OTHER", other.url) for name, value in settings.items()}
            web = make_web(BASE_URL=f"http://127.0.0.1:{port}", rules=rules, **settings)
            running.append(listening(web, port))
            running[-1].__enter__()
            other.pasted = codes(web.client.get(f"/embed?{query}").text)[which]
            return web, other

        yield start
        for each in running:
            each.__exit__(None, None, None)


Start = Callable[..., tuple[Web, Other]]


def test_a_plain_form_leads_back_to_the_site_that_it_stands_on(page: Page, sites: Start) -> None:
    web, other = sites(PLAIN, SUCCESS_URL="OTHER/thanks")
    page.goto(other.url)
    page.get_by_label("Email address").fill("maja@example.org")
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="/thanks")).to_be_visible()
    assert web.subscriber().email == "maja@example.org"


def test_a_plain_form_is_asked_one_more_step_and_still_leads_back(page: Page, sites: Start) -> None:
    web, other = sites(PLAIN, SUCCESS_URL="OTHER/thanks", rules=Rules(wait=timedelta(0)), SIGN_UPS_AN_HOUR="1")
    web.sign_up("first@example.org")
    page.goto(other.url)
    page.get_by_label("Email address").fill("maja@example.org")
    with page.expect_response(lambda answer: answer.status == 429):
        page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="/thanks")).to_be_visible()
    assert web.subscriber().email == "maja@example.org"


def test_a_frame_takes_a_sign_up_and_its_mistakes(page: Page, sites: Start) -> None:
    web, other = sites(FRAME)
    page.goto(other.url)
    frame = page.locator("iframe").content_frame
    expect(frame.get_by_label("City & Hall")).to_be_checked()
    expect(frame.get_by_label("Labour")).to_have_count(0)
    frame.get_by_label("Email address").fill("maja@")
    frame.get_by_role("button").click()
    expect(frame.get_by_role("alert")).to_be_visible()
    frame.get_by_label("Email address").fill("maja@example.org")
    frame.get_by_role("button").click()
    expect(frame.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert page.url.startswith(other.url)
    assert web.subscriber().time_zone == "Asia/Katmandu"


def test_the_script_makes_a_frame_as_high_as_its_form(page: Page, sites: Start) -> None:
    web, other = sites(SCRIPT, "lang=es")
    page.goto(other.url)
    link = page.get_by_role("link", name="Suscríbete al resumen diario de The Harbour Courier")
    expect(link).to_be_hidden()
    frame = page.locator("iframe")
    inside = frame.content_frame
    inside.get_by_label("Climate").check()
    inside.get_by_label("Dirección de correo").fill("maja@example.org")
    scrolls = "document.documentElement.scrollHeight - innerHeight"
    services.wait_until(lambda: page.frames[1].evaluate(scrolls) <= 0, what="a frame without a scroll bar")
    before = (frame.bounding_box() or {"height": 0})["height"]
    assert before > 300
    inside.get_by_role("button").click()
    expect(inside.get_by_role("heading", name="Mira tu correo")).to_be_visible()
    services.wait_until(lambda: (frame.bounding_box() or {"height": 0})["height"] != before, what="another height")
    assert web.subscriber().locale == "es"


def test_where_the_frame_is_refused_the_link_stays(page: Page, sites: Start) -> None:
    _, other = sites(SCRIPT, EMBED_SITES="https://www.example.org")
    page.goto(other.url)
    page.wait_for_load_state("networkidle")
    link = page.get_by_role("link", name="Sign up to the daily digest of The Harbour Courier")
    expect(link).to_be_visible()
    link.click()
    expect(page.get_by_label("City & Hall")).to_be_checked()


def test_the_frame_tells_its_height_to_nobody_but_who_said_hello(page: Page, sites: Start) -> None:
    _, other = sites(FRAME)
    other.pasted += "<script>window.heard = []; addEventListener('message', (event) => heard.push(event.data))</script>"
    page.goto(other.url)
    expect(page.locator("iframe").content_frame.get_by_role("button")).to_be_visible()
    page.frames[1].wait_for_load_state()
    assert page.evaluate("heard") == []
    page.evaluate("frames[0].postMessage({digestmail: 'hello'}, '*')")
    page.wait_for_function("heard.length > 0")
    assert page.evaluate("heard[0].height") > 300


def test_work_is_done_by_the_browser(page: Page, sites: Start) -> None:
    web, _ = sites(PLAIN, rules=Rules(work_bits=10), CHALLENGE="work")
    page.goto(f"{web.site.settings.public_url}/?topics=climate")
    page.get_by_label("Email address").fill("maja@example.org")
    with page.expect_response(lambda answer: answer.status == 429):
        page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert web.subscriber().email == "maja@example.org"


def test_without_scripts_the_button_appears_after_a_while(browser: Browser, sites: Start) -> None:
    web, _ = sites(PLAIN, rules=Rules(wait=timedelta(0)))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{web.site.settings.public_url}/?topics=climate")
    page.get_by_label("Email address").fill("maja@example.org")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    context.close()


def test_the_trap_is_seen_by_nobody(page: Page, sites: Start) -> None:
    web, other = sites(PLAIN)
    for url in (other.url, web.site.settings.public_url, f"{web.site.settings.public_url}/embed/form"):
        page.goto(url)
        trap = page.locator("input[name=remarks]")
        expect(trap).to_have_attribute("tabindex", "-1")
        expect(trap).to_have_attribute("autocomplete", "off")
        box = trap.locator("..").bounding_box()  # which cuts it off
        assert box is None or (box["width"] <= 1 and box["height"] <= 1)
        expect(page.get_by_role("textbox", name="Leave this empty")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_what_is_shown_can_be_copied(browser: Browser, sites: Start) -> None:
    web, _ = sites(PLAIN)
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{web.site.settings.public_url}/embed")
    section = page.get_by_role("region", name="Script")
    section.get_by_role("button", name="Copy").click()
    expect(section.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == section.get_by_label("To copy").input_value()
    expect(section.locator("iframe").content_frame.get_by_role("button")).to_be_visible()
    assert complaints == []
    context.close()
