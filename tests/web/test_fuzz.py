"""Whatever is sent to any page, with the right link or a wrong one: a reader never meets a fault of ours.

What to send is read from the app itself: the OpenAPI description says which fields a form has and which parameters an
address takes, and the routes which other addresses there are.
"""

import string
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.web.conftest import Web
from tests.web.doors import doors, furnish

pytestmark = pytest.mark.long

Pairs = list[tuple[bytes, bytes]]

EXAMPLES = 15
"""Requests to each address and method."""

GOOD = {
    "email": ["reader0@example.org", "new@example.org", "Ωmega@exämple.org"],
    "topics": ["climate", "labour", "climate,labour", "city"],
    "topic": ["climate", ""],
    "hour": ["7", "23"],
    "time_zone": ["Europe/Berlin", "Pacific/Apia", ""],
    "days": ["Mon", "Sun", "monday"],
    "lang": ["es", "ar", "en"],
    "q": ["headline", "story 1", "100%", "%", "_", "\\"],
    "year": ["2026"],
    "pictures": ["1"],
}
"""Values with which a form or an address may be right."""

ODD = [
    "",
    "\0",
    "a\0b",
    "\ud800",
    "\r\nX: y",
    "'; DROP TABLE items; --",
    "{{ 7*7 }}",
    "<script>",
    "../../etc/passwd",
    "%00",
    "-1",
    "0",
    "1e309",
    "NaN",
    "٣",
    "9" * 19,
    "9" * 400,
    "true",
    "2026-02-30",
    "9999-12-31",
    "0001-01-01",
    "x" * 5000,
    "\u202e\u0000\uffff",
    "İﬃ́",
]

ANY_TEXT = st.one_of(st.sampled_from(ODD), st.text(max_size=30), st.text(string.printable, max_size=30))
ANY_BYTES = st.binary(max_size=20)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "accept-language": st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
        "user-agent": st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=600),
        "if-none-match": st.sampled_from(["*", '"x"', 'W/"', ","]),
        "if-modified-since": st.sampled_from(
            ["Mon, 23 Nov 2026 06:00:00 GMT", "x", "Fri, 31 Dec 99999 00:00:00 GMT", "1"]
        ),
        "x-forwarded-for": st.sampled_from(["", "1.2.3.4", "::1, x", "\x7f"]),
        "origin": st.sampled_from(["null", "https://elsewhere.example", "x"]),
        "referer": st.sampled_from(["https://elsewhere.example/page", "x"]),
        "sec-fetch-site": st.sampled_from(["cross-site", "same-origin", "x"]),
    },
)


def octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def values_of(name: str, known: dict[str, list[str]]) -> st.SearchStrategy[bytes]:
    """Good values and bad ones for a name."""
    good = [*known.get(name, ()), *GOOD.get(name, ())]
    odd = ANY_TEXT.map(octets) | ANY_BYTES
    return st.one_of(st.sampled_from([octets(value) for value in good]), odd) if good else odd


@st.composite
def queries(draw: st.DrawFn, names: list[str], known: dict[str, list[str]], most: int) -> Pairs:
    """Pairs as a form or an address has them: known names and others, some of them several times, some of them not."""
    pairs = []
    for name in draw(st.lists(st.sampled_from([*names, "lang", "unknown"]), max_size=most)):
        key = octets(name) if draw(st.integers(0, 9)) else draw(ANY_BYTES)
        pairs.append((key, draw(values_of(name, known))))
    return pairs


@st.composite
def addresses(draw: st.DrawFn, path: str, known: dict[str, list[str]]) -> str:
    """The address with values for the names in it."""
    while "{" in path:
        name = path.partition("{")[2].partition("}")[0]
        value = quote(draw(values_of(name, known)), safe="" if draw(st.booleans()) else "/")
        path = path.replace(f"{{{name}}}", value.replace("{", "%7B"), 1)
    return path


@st.composite
def bodies(draw: st.DrawFn, names: list[str], known: dict[str, list[str]]) -> tuple[bytes, str]:
    """A body and what it is said to be."""
    pairs = draw(queries(names, known, 12))
    match draw(st.sampled_from(["form", "form", "form", "multipart", "file", "raw", "lie"])):
        case "form":
            return urlencoded(pairs), "application/x-www-form-urlencoded"
        case "multipart":
            return multipart(pairs), "multipart/form-data; boundary=b"
        case "file":
            return multipart(pairs, b'; filename="a.txt"'), "multipart/form-data; boundary=b"
        case "raw":
            kinds = ["application/json", "text/plain", "", "multipart/form-data", "application/x-www-form-urlencoded"]
            return draw(st.binary(max_size=200)), draw(st.sampled_from(kinds))
    return multipart(pairs), "application/x-www-form-urlencoded; charset=utf-16"


def urlencoded(pairs: Pairs) -> bytes:
    return "&".join(f"{quote_plus(key)}={quote_plus(value)}" for key, value in pairs).encode()


def multipart(pairs: Pairs, more: bytes = b"") -> bytes:
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        % (key.replace(b'"', b"%22").replace(b"\r", b"").replace(b"\n", b""), more, value)
        for key, value in pairs
    ]
    return b"".join([*parts, b"--b--\r\n"])


def names_in(description: dict[str, Any], path: str, method: str) -> tuple[list[str], list[str]]:
    """The names of an operation's parameters in the address and of its form's fields."""
    operation = description["paths"].get(path, {}).get(method.lower(), {})
    parameters = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
    content = operation.get("requestBody", {}).get("content", {})
    fields: list[str] = []
    for form in content.values():
        schema = form["schema"]
        if "$ref" in schema:
            schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        fields += schema.get("properties", {})
    return parameters, fields


def test_no_request_meets_a_fault_of_ours(make_web: Callable[..., Web], database_url: str) -> None:
    web = make_web(
        DATABASE_URL=database_url.replace("+psycopg", ""),
        BASE_URL="https://digest.example.org",
        WEBSUB="on",
        POSTMARK_SECRET="digestmail:a-long-password-of-ours",
        MAILGUN_KEY="a-long-signing-key-of-ours",
    )
    known = furnish(web)
    description = web.client.get("/api/openapi.json").json()
    faults: dict[str, str] = {}

    def fuzz(path: str, method: str, parameters: list[str], fields: list[str]) -> None:
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # rows change on the way, so nothing can be shrunk
            suppress_health_check=list(HealthCheck),
        )
        @given(addresses(path, known), queries(parameters, known, 5), bodies(fields, known), HEADERS)
        def send(address: str, query: Pairs, body: tuple[bytes, str], headers: dict[str, str]) -> None:
            url = address + (f"?{urlencoded(query).decode()}" if query else "")
            content, kind = body if method == "POST" else (b"", "")
            given = {name: value.encode("latin-1") for name, value in headers.items()}
            if kind:
                given["content-type"] = kind.encode()
            answer = web.client.request(method, url, content=content, headers=given, follow_redirects=False)
            if answer.status_code >= 500:
                faults.setdefault(f"{method} {path}", f"{answer.status_code} {url} {content!r} {kind} {headers}")

        send()

    for door in doors(web.client.app):  # type: ignore[arg-type]
        for method in sorted(door.methods - {"HEAD"}):
            fuzz(door.path, method, *names_in(description, door.path, method))
    assert not faults
