"""Rendering: a template's name and values become a page."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from starlette.background import BackgroundTask

from digestmail.address import shortened
from digestmail.feeds.spans import since
from digestmail.language import languages
from digestmail.messages.look import Look
from digestmail.messages.overrides import loader
from digestmail.resources import templates_folder
from digestmail.settings import Settings
from digestmail.speaking import speak
from digestmail.subscribers.schedule import DAY_NAMES
from digestmail.web.spoken import Spoken, in_english
from digestmail.web.theme import theme_address
from digestmail.web.typed import HOURS, zone_groups, zone_in_words
from digestmail.web.when import day_choices

STATIC = templates_folder() / "web" / "static"


class Pages:
    """The pages of one installation, named by their template (`web/sign_up.html`)."""

    def __init__(
        self, settings: Settings, *, form_stamp: Callable[[], str] = str, quickest: timedelta = timedelta()
    ) -> None:
        """`form_stamp` makes the stamp of a form that is shown, which is not sent sooner than `quickest` after that."""
        self._environment = ImmutableSandboxedEnvironment(
            loader=loader(settings.templates),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        speak(self._environment)
        self._environment.filters.update(relative=since, stamp=stamp, shortened=shortened, in_words=zone_in_words)
        root = urlsplit(settings.public_url).path
        self._environment.globals.update(
            site_name=settings.site_name,
            postal_address=settings.postal_address,
            default_time_zone=settings.default_time_zone,
            has_inbox=settings.relay is None,
            root=root,
            site_url=settings.public_url,
            archive=settings.archive,
            static=_versioned(f"{root}/static", static_folders(settings)),
            theme=theme_address(settings, root),
            look=Look.of(settings),
            days=DAY_NAMES,
            hours=HOURS,
            zone_groups=zone_groups,
            day_choices=day_choices,
            languages=tuple(languages().values()),
            form_stamp=form_stamp,
            quickest=quickest,
        )

    def show(
        self,
        template: str,
        spoken: Spoken | None = None,
        *,
        status: int = 200,
        after: Callable[[], None] | None = None,
        **values: object,
    ) -> HTMLResponse:
        """The page as a response, in English unless it is for readers; `after` is called once it has been sent."""
        spoken = spoken or in_english()
        headers = {"Content-Language": spoken.language.code}
        if spoken.negotiated:
            headers["Vary"] = "Accept-Language"
        return HTMLResponse(
            self.text(template, spoken, **values), status, headers, background=BackgroundTask(after) if after else None
        )

    def text(self, template: str, spoken: Spoken, **values: object) -> str:
        """What a template says."""
        given = {**values, "language": spoken.language, "lang_query": spoken.query}
        return self._environment.get_template(template).render(given)


def stamp(at: datetime) -> str:
    """An instant as the operator says it: `24 Nov, 07:00 UTC`."""
    return f"{at.astimezone(UTC):%-d %b, %H:%M} UTC"


def static_folders(settings: Settings) -> list[Path]:
    """Where static files are looked for: among the publisher's own first."""
    own = settings.templates / "web" / "static" if settings.templates else None
    return [own, STATIC] if own and own.is_dir() else [STATIC]


def _versioned(base: str, folders: list[Path]) -> Callable[[str], str]:
    """Makes addresses of static files that change with their content, so that browsers may keep them for ever."""
    files = [file for folder in reversed(folders) for file in folder.iterdir() if file.is_file()]
    versions = {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:10] for file in files}
    return lambda name: f"{base}/{name}?v={versions[name]}"
