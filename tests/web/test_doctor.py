"""The doctor knows our own pages when it sees them, and its visit changes nothing."""

from collections.abc import Callable
from urllib.parse import urlsplit

from digestmail.clock import system_clock
from digestmail.desk.doctor.finding import Verdict
from digestmail.desk.doctor.site import Answer, ask_http, look_at_site
from tests.desk.doctor.zone import verdicts
from tests.services import free_port
from tests.web.conftest import Web, listening


def test_our_own_pages_are_known_and_left_as_they_are(make_web: Callable[..., Web]) -> None:
    web = make_web(BASE_URL="https://digest.example.org/daily")
    web.subscribe()
    before = web.rows()

    def ask(method: str, url: str) -> Answer:
        found = web.client.request(method, urlsplit(url).path.removeprefix("/daily"), follow_redirects=False)
        return Answer(found.status_code, dict(found.headers), found.text)

    found = look_at_site(
        web.site.settings.public_url, system_clock, mail_leaves=True, ask=ask, expires_at=lambda _host, _port: None
    )
    assert set(verdicts(found).values()) == {Verdict.OK}
    assert web.rows() == before


def test_they_are_asked_over_the_network(web: Web) -> None:
    port = free_port()
    with listening(web, port):
        answer = ask_http("GET", f"http://127.0.0.1:{port}/healthz")
        refused = ask_http("POST", f"http://127.0.0.1:{port}/u/doctor")
    assert answer == Answer(200, answer.headers, '{"ok":true}')
    assert refused.status == 404
    assert "default-src 'none'" in refused.headers["content-security-policy"]
