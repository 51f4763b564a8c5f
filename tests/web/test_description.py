"""The OpenAPI description of the reader's pages."""

import warnings
from collections.abc import Callable

from tests.web.conftest import Web


def test_it_names_each_operation_once(make_web: Callable[..., Web]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = make_web().client.get("/api/openapi.json")
    operations = [operation for path in answer.json()["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert len(ids) > 15
    assert len(set(ids)) == len(ids)
    assert all(operation["description"] for operation in operations)


def test_it_has_the_fields_of_forms(web: Web) -> None:
    described = web.client.get("/api/openapi.json").json()
    form = described["paths"]["/sign-up"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    fields = described["components"]["schemas"][form["schema"]["$ref"].rpartition("/")[2]]["properties"]
    assert {"email", "topics", "hour", "time_zone", "lang"} <= set(fields)


def test_it_says_what_comes_back(web: Web) -> None:
    paths = web.client.get("/api/openapi.json").json()["paths"]
    feed = paths["/archive/{slug}.atom"]["get"]["responses"]
    assert list(feed["200"]["content"]) == ["application/atom+xml"]
    assert list(paths["/p/{token}"]["post"]["responses"]["200"]["content"]) == ["text/html"]
    assert "HTTPValidationError" not in str(paths)


def test_it_has_the_readers_pages_alone(web: Web, make_web: Callable[..., Web]) -> None:
    paths = set(web.client.get("/api/openapi.json").json()["paths"])
    assert {"/", "/sign-up", "/p/{token}", "/archive/{slug}"} <= paths
    assert not [path for path in paths if path.startswith(("/operator", "/inbox", "/metrics", "/hub", "/api"))]
    without = make_web(ARCHIVE="off").client.get("/api/openapi.json").json()["paths"]
    assert not [path for path in without if path.startswith("/archive")]
    assert web.client.get("/docs").status_code == web.client.get("/openapi.json").status_code == 404
