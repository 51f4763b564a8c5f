"""The sign-up form on other sites: what is copied, what is framed, and where a form leads."""

import html
import re
from collections.abc import Callable

import pytest

from digestmail.errors import SettingsError
from digestmail.settings import load_settings
from tests.web.conftest import Web
from tests.web.test_abuse import FORM, fields

Make = Callable[..., Web]


def codes(page: str) -> list[str]:
    """What a page shows to copy."""
    return [html.unescape(code) for code in re.findall(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)]


def test_the_page_shows_three_to_copy_and_each_live(make_web: Make) -> None:
    page = make_web(BASE_URL="https://example.org/digest").client.get("/embed").text
    plain, frame, script = codes(page)
    for code in (plain, frame, script):
        assert code in page
        assert "City &amp; Hall" in code or "topics" not in code
    assert '<form action="https://example.org/digest/sign-up" method="post"' in plain
    assert "<script" not in plain + frame
    assert '<iframe src="https://example.org/digest/embed/form?lang=en"' in frame
    assert script.count("<script") == 1
    assert 'src="https://example.org/digest/embed.js"' in script
    assert 'name="robots" content="noindex"' in page


@pytest.mark.parametrize("query", ["topics=climate,city&lang=es", "topics=climate&topics=city&lang=es"])
def test_the_page_is_narrowed_to_topics_and_a_language(web: Web, query: str) -> None:
    plain, frame, script = codes(web.client.get(f"/embed?{query}").text)
    assert 'value="climate" checked' in plain
    assert "labour" not in plain + frame + script
    assert "Dirección de correo" in plain
    assert 'name="lang" value="es"' in plain
    assert "/embed/form?lang=es&amp;topics=climate,city" in frame
    assert 'data-topics="climate,city"' in script
    assert 'data-lang="es"' in script


def test_one_topic_needs_no_choice(web: Web) -> None:
    plain = codes(web.client.get("/embed?topics=city").text)[0]
    assert '<input type="hidden" name="topics" value="city">' in plain
    assert "fieldset" not in plain


def test_what_is_copied_signs_up(web: Web) -> None:
    plain = codes(web.client.get("/embed?topics=city&lang=es").text)[0]
    answer = web.client.post("/sign-up", data=fields(plain) | {"email": "maja@example.org", "remarks": ""})
    assert "Mira tu correo" in answer.text
    assert web.subscriber().locale == "es"


def test_the_frame_alone_may_be_framed(make_web: Make) -> None:
    web = make_web()
    for path, by in (("/", "'none'"), ("/embed", "'none'"), ("/embed/form", "*")):
        assert web.client.get(path).headers["content-security-policy"].endswith(f"frame-ancestors {by}")
    few = make_web(EMBED_SITES="https://www.example.org, https://Shop.example.org:8443/")
    policy = few.client.get("/embed/form").headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://www.example.org https://shop.example.org:8443")
    assert "script-src 'self'" in policy
    assert "form-action 'self'" in policy


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [(FORM, 200, "Check your inbox"), (FORM | {"topics": []}, 422, "Please choose at least one topic.")],
)
def test_every_answer_stays_in_the_frame(make_web: Make, data: dict[str, object], status: int, words: str) -> None:
    web = make_web(SUCCESS_URL="https://www.example.org/thanks")
    answer = web.client.post("/embed/form", data=data | {"success": "https://www.example.org/thanks"})
    assert (answer.status_code, words in answer.text) == (status, True)
    assert "frame-ancestors *" in answer.headers["content-security-policy"]
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "masthead" not in answer.text


def test_a_frame_of_some_topics_stays_so_after_a_mistake(web: Web) -> None:
    shown = web.client.get("/embed/form?topics=city,climate").text
    action = html.unescape(re.findall(r'action="([^"]+)"', shown)[0])
    wrong = web.client.post(action, data={"email": "maja@", "topics": "city"}).text
    for page in (shown, wrong):
        assert set(re.findall(r'name="topics" value="(\w+)"', page)) == {"city", "climate"}
    assert 'value="maja@"' in wrong
    assert re.findall(r'value="(\w+)" checked', wrong) == ["city"]


def test_what_a_frame_does_not_show_takes_its_usual_value(web: Web) -> None:
    odd = {"hour": "99", "time_zone": "Mars/Olympus", "days": "never"}
    assert web.client.post("/embed/form", data=FORM | odd).status_code == 200
    assert (web.subscriber().hour, web.subscriber().time_zone) == (7, "UTC")
    near = FORM | {"email": "ann@example.org", "time_zone": "Asia/Tokyo"}
    assert web.client.post("/embed/form", data=near).status_code == 200
    assert web.subscriber("ann@example.org").time_zone == "Asia/Tokyo"


def test_the_script_may_be_used_by_every_site_and_is_kept_for_an_hour(web: Web) -> None:
    answer = web.client.get("/embed.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert len(answer.content) < 3000
    assert web.client.head("/embed.js").status_code == 200


OURS = "https://www.example.org/thanks?from=form"


@pytest.mark.parametrize(
    ("success", "leads_to"),
    [
        ("", OURS),
        ("https://www.example.org/other", "https://www.example.org/other"),
        ("https://blog.example.org", "https://blog.example.org"),
        ("https://www.example.org:443/x", "https://www.example.org:443/x"),
        ("https://evil.example/", ""),
        ("http://www.example.org/", ""),
        ("//www.example.org/", ""),
        ("https://www.example.org@evil.example/", ""),
        ("https://www.example.org\\@evil.example/", ""),
        ("https://www.example.org.evil.example/", ""),
        ("https://www.example.org:444/", ""),
        ("https://www.example.org/\r\nX: y", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_a_form_on_another_site_leads_to_the_publishers_sites_alone(
    make_web: Make, success: str, leads_to: str
) -> None:
    web = make_web(SUCCESS_URL=OURS, EMBED_SITES="https://blog.example.org")
    answer = web.client.post("/sign-up", data=FORM | {"success": success}, follow_redirects=False)
    assert answer.status_code == (303 if leads_to else 200)
    assert answer.headers.get("location", "") == leads_to
    assert len(web.rings) == 1


def test_it_leads_there_for_the_known_too_but_not_with_mistakes(make_web: Make) -> None:
    web = make_web(SUCCESS_URL=OURS)
    web.subscribe()
    assert web.client.post("/sign-up", data=FORM, follow_redirects=False).headers["location"] == OURS
    trapped = web.client.post("/sign-up", data=FORM | {"remarks": "x"}, follow_redirects=False)
    assert trapped.headers["location"] == OURS
    wrong = web.client.post("/sign-up", data=FORM | {"email": "maja@"}, follow_redirects=False)
    assert wrong.status_code == 422
    assert 'value="maja@"' in wrong.text


def test_our_own_form_never_leads_away(make_web: Make) -> None:
    web = make_web(SUCCESS_URL=OURS)
    stamp = fields(web.client.get("/").text)["stamp"]
    own = FORM | {"stamp": stamp, "success": OURS}
    assert web.client.post("/sign-up", data=own, follow_redirects=False).status_code == 200


def test_the_one_more_step_leads_where_its_form_would_have_led(make_web: Make) -> None:
    web = make_web(SUCCESS_URL=OURS, SIGN_UPS_AN_HOUR="1")
    web.sign_up("first@example.org")
    web.later(seconds=3)
    stamp = fields(web.client.get("/").text)["stamp"]
    for brought, leads_to in (({}, OURS), ({"stamp": stamp}, None)):
        asked = web.client.post("/sign-up", data=FORM | brought)
        assert asked.status_code == 429
        others = "https://www.example.org" if leads_to else ""
        assert f"form-action 'self' {others}".rstrip() + ";" in asked.headers["content-security-policy"]
        web.later(seconds=5)
        done = web.client.post("/sign-up", data=fields(asked.text), follow_redirects=False)
        assert done.headers.get("location") == leads_to


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMBED_SITES", "www.example.org"),
        ("EMBED_SITES", "https://www.example.org/page"),
        ("EMBED_SITES", "http://www.example.org"),
        ("SUCCESS_URL", "/thanks"),
        ("SUCCESS_URL", "http://www.example.org/"),
        ("SUCCESS_URL", "https://user:secret@www.example.org/"),
        ("SIGN_UPS_AN_HOUR", "0"),
        ("CHALLENGE", "captcha"),
        ("TRUSTED_PROXIES", "everybody"),
        ("TRUSTED_PROXIES", "*"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^DIGESTMAIL_{name} is "):
        load_settings({f"DIGESTMAIL_{name}": value})


def test_proxies_are_addresses_or_networks() -> None:
    settings = load_settings({"DIGESTMAIL_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,fd00::/8"})
    assert settings.trusted_proxies == "127.0.0.1/32,10.0.0.0/8,fd00::/8"
    assert load_settings({"DIGESTMAIL_SUCCESS_URL": "http://localhost:8000/x"}).success_url
