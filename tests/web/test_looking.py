"""Looking changes nothing: GET, HEAD and OPTIONS on every door, with every link that a reader can have."""

from collections.abc import Callable

import pytest

from tests.web.conftest import Web
from tests.web.doors import Door, doors, furnish

pytestmark = pytest.mark.long


def addresses(door: Door, values: dict[str, list[str]]) -> list[str]:
    """The door's address with each of the values for the last name in it, and the first one for the others."""
    found = [door.path]
    while "{" in found[0]:
        name = found[0].partition("{")[2].partition("}")[0]
        found = [path.replace(f"{{{name}}}", value) for path in found for value in values[name]]
    return found


def test_looking_at_everything_changes_nothing(make_web: Callable[..., Web]) -> None:
    web = make_web(WEBSUB="off", POSTMARK_SECRET="digestmail:a-long-password-of-ours")
    values = furnish(web)
    before = web.rows()
    rings = len(web.rings)
    for door in doors(web.client.app):  # type: ignore[arg-type]
        opened = set()
        for path in addresses(door, values):
            opened.add(("GET", found := web.client.get(path).status_code))
            for method in ("HEAD", "OPTIONS") if found != 404 else ():
                opened.add((method, web.client.request(method, path).status_code))
        if "GET" in door.methods and "/inbox/" not in door.path and "/demo/" not in door.path:
            assert ("GET", 200) in opened, f"none of our links opens {door.path}"
        assert not [status for _, status in opened if status >= 500], door.path
    assert web.rows() == before
    assert len(web.rings) == rings
