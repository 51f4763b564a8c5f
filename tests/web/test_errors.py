"""Error pages."""

import logging

import pytest

from tests.web.conftest import Web


def test_an_unknown_page_says_what_to_do(web: Web) -> None:
    answer = web.client.get("/nowhere")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert "The Harbour Courier" in answer.text


def test_a_wrong_method_says_so_and_which_are_right(web: Web) -> None:
    answer = web.client.get("/sign-up")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert "That is not how this page works" in answer.text


def test_what_cannot_be_read_is_refused(web: Web) -> None:
    assert web.client.get("/inbox?page=one").status_code == 422
    assert web.client.post("/sign-up", files={"email": ("mail.txt", b"x")}).status_code == 422
    broken = {"content": b"no boundary", "headers": {"content-type": "multipart/form-data"}}
    assert web.client.post("/sign-up", **broken).status_code == 400  # type: ignore[arg-type]


def test_programs_get_json(web: Web) -> None:
    answer = web.client.get("/api/nothing")
    assert answer.status_code == 404
    assert "There is no such page" in answer.json()["error"]


def test_a_body_that_is_too_large_is_refused(web: Web) -> None:
    assert web.client.post("/sign-up", data={"email": "x" * 70_000}).status_code == 413
    stream = (b"email=" + b"x" * 10_000 for _ in range(10))
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert web.client.post("/sign-up", content=stream, headers=headers).status_code == 413
    assert not web.rows()["subscribers"]


def test_a_fault_of_ours_is_a_page_with_the_same_protection(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    with web.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE topics RENAME TO lost")
    with caplog.at_level(logging.CRITICAL):
        answer = web.client.get("/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert "lost" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
