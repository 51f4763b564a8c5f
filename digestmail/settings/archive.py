"""Whether past stories can be read on the web, and how far back."""

from typing import Annotated

from pydantic import BaseModel, Field, field_validator

_SPELLED = {"on": True, "off": False}


class Archive(BaseModel):
    """The public archive: past stories by topic and day, their feeds, and a search."""

    archive: bool = True
    """`on` or `off`."""
    archive_days: Annotated[int, Field(ge=7, le=36_500)] = 1095
    """How long past stories can be read; items are kept as long."""

    @field_validator("archive", mode="before")
    @classmethod
    def _read_archive(cls, value: object) -> object:
        if isinstance(value, str):
            if value.strip().lower() not in _SPELLED:
                raise ValueError("use on or off")
            return _SPELLED[value.strip().lower()]
        return value
