"""Which mail providers may tell us of bounces and complaints, and what proves that it is they."""

import re
from typing import Annotated

from pydantic import BaseModel, field_validator
from pydantic_settings import NoDecode

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_SHORTEST = 16


class Returns(BaseModel):
    """The secrets of webhooks: only those exist that are set, each at `/bounces/PROVIDER`."""

    ses_topics: Annotated[tuple[str, ...], NoDecode] = ()
    """The ARNs of the Amazon SNS topics through which SES may tell, separated by commas."""
    postmark_secret: str | None = None
    """`user:password`, as it stands before the @ of the webhook's address at Postmark."""
    sendgrid_key: str | None = None
    """The verification key of SendGrid's signed event webhook."""
    mailgun_key: str | None = None
    """The HTTP webhook signing key of Mailgun."""

    @field_validator("ses_topics", mode="before")
    @classmethod
    def _read_topics(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("ses_topics")
    @classmethod
    def _are_topics(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_TOPIC.fullmatch(topic) for topic in value):
            raise ValueError("use the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:bounces")
        return value

    @field_validator("postmark_secret")
    @classmethod
    def _is_name_and_password(cls, value: str | None) -> str | None:
        if value is not None and (value.count(":") != 1 or len(value.partition(":")[2]) < _SHORTEST):
            raise ValueError(f"use a name and a password of {_SHORTEST} characters or more, such as digestmail:…")
        return value

    @field_validator("mailgun_key")
    @classmethod
    def _is_long(cls, value: str | None) -> str | None:
        if value is not None and len(value) < _SHORTEST:
            raise ValueError("use the HTTP webhook signing key from Mailgun's page, whole")
        return value

    @field_validator("sendgrid_key")
    @classmethod
    def _is_public_key(cls, value: str | None) -> str | None:
        if value is not None and not (len(value) >= _SHORTEST and _BASE64.fullmatch(value)):
            raise ValueError("use the verification key from SendGrid's page, whole: one line of base64")
        return value
