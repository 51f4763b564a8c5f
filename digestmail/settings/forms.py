"""Who may show the sign-up form beside us, where it leads, and how many sign-ups an hour are believed."""

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import NoDecode

from digestmail.settings.relay import is_this_machine

_ADDRESS = re.compile(
    r"(?P<origin>(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+)(?::\d{1,5})?)(?P<path>/[!#-;=?-\[\]-~]*)?"
)
"""Without a name or password before the host, a backslash or a quote: every reader of it finds the same host in it."""

_USUAL_PORTS = {"http": ":80", "https": ":443"}


class Forms(BaseModel):
    """The sign-up form on other sites, and what is done against its abuse."""

    embed_sites: Annotated[tuple[str, ...], NoDecode] = ()
    """The origins, separated by commas, that may show the form in a frame; any site where none is named."""
    success_url: str | None = None
    """Where a form on another site leads after a sign-up: a whole https address; without it a page of ours."""
    sign_ups_an_hour: Annotated[int, Field(ge=1)] = 1000
    """More confirmation mails an hour are taken for an attack: then everybody who signs up is asked one more step."""
    challenge: Literal["wait", "work"] = "wait"
    """What that step is: a short `wait`, or `work` for the browser."""
    trusted_proxies: str = "127.0.0.1,::1"
    """The reverse proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas."""

    @field_validator("embed_sites", mode="before")
    @classmethod
    def _read_sites(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("embed_sites")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        origins = tuple(origin_of_url(site) for site in value)
        if not all(origins) or any(site.rstrip("/").count("/") > 2 for site in value):
            raise ValueError("use origins such as https://www.example.org, without a path, and commas between them")
        return origins

    @field_validator("success_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not origin_of_url(value):
            raise ValueError("use a whole address such as https://www.example.org/thank-you")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        try:
            return ",".join(str(ipaddress.ip_network(part.strip())) for part in value.split(",") if part.strip())
        except ValueError as error:
            raise ValueError("use addresses or networks such as 127.0.0.1,10.0.0.0/8") from error

    def may_lead_to(self, url: str) -> bool:
        """Whether a form may name this address as where it leads: that is so for the publisher's own sites alone."""
        ours = {*self.embed_sites, origin_of_url(self.success_url or "")}
        return bool(origin_of_url(url)) and origin_of_url(url) in ours


def origin_of_url(url: str) -> str:
    """The origin of a whole address, in small letters; empty where it is none, or http to another machine."""
    found = _ADDRESS.fullmatch(url)
    if not found or (found["scheme"].lower() == "http" and not is_this_machine(found["host"])):
        return ""
    return found["origin"].lower().removesuffix(_USUAL_PORTS[found["scheme"].lower()])
