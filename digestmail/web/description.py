"""The OpenAPI description of the pages that readers meet, made from their routes: forms, fields and answers."""

from collections.abc import Iterable
from copy import copy
from functools import cache
from typing import Any, get_type_hints

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.routing import APIRoute
from fastapi.utils import generate_unique_id

from digestmail.web.site import READ

_REFUSED: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "A page that says what happened and what to do: a link that does not work, a form that cannot "
        "be used as it is (it is shown again), or what is gone",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}


def router_of(described: Iterable[APIRouter], *, title: str) -> APIRouter:
    """Serves the description of these routers' routes at `/api/openapi.json`."""
    router = APIRouter()
    routes = [route for each in described for route in each.routes if isinstance(route, APIRoute)]

    @cache
    def described_once() -> dict[str, Any]:
        return describe(routes, title=title)

    @router.api_route("/api/openapi.json", methods=READ)
    def show_description() -> JSONResponse:
        """This description."""
        return JSONResponse(described_once(), headers={"Cache-Control": "public, max-age=3600"})

    return router


def describe(routes: Iterable[APIRoute], *, title: str) -> dict[str, Any]:
    """The OpenAPI document of these routes."""
    return get_openapi(
        title=title,
        version="1",
        description="The pages of this publication's daily digest. A token is the signed part of a link in a mail.",
        routes=[_as_described(route) for route in routes if route.include_in_schema],
    )


def _as_described(route: APIRoute) -> APIRoute:
    """The route without HEAD, which is GET without its content: two methods of one route would share an operation id.

    Its answers are what its function says to return, and what is refused is a page.
    """
    described = copy(route)
    described.methods = set(route.methods or ()) - {"HEAD"}
    described.unique_id = generate_unique_id(described)
    answer = get_type_hints(route.endpoint).get("return")
    described.response_class = answer if isinstance(answer, type) and issubclass(answer, Response) else HTMLResponse
    described.responses = {**_REFUSED, **route.responses}
    return described
