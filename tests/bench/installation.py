"""digestmail as installed for a measure: broker, workers and beat, each a process of its own, on private ports."""

import os
import sys
import urllib.parse
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from digestmail.local.broker import answers_ping, choose_broker, free_port
from digestmail.messages.publication import Publication
from digestmail.settings import PREFIX, Settings, load_settings
from digestmail.web.doorbell import doorbell
from tests.bench.children import Child, Children
from tests.bench.options import BenchError, Options
from tests.bench.sinks import Sink

SECRET = "a secret for the bench, which mails nobody"
_TOP = Path(__file__).parents[2]
_UNMARKED = ("celery", "--app", "tests.bench.unmarked", "worker", "--pool", "threads", "--concurrency", "4")
_UNMARKED += ("--without-gossip", "--without-mingle", "--loglevel", "WARNING")


def settings_for(
    options: Options, *, folder: Path, database_url: str, sink: Sink, redis_url: str = ""
) -> dict[str, str]:
    """The environment of the processes: ours without any other setting of digestmail, and what the bench sets."""
    ours = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    connections = {"SMTP_CONNECTIONS": str(options.connections)} if options.connections else {}
    wanted = {
        "DATA_DIR": str(folder),
        "DATABASE_URL": database_url.replace("postgresql+psycopg:", "postgresql:"),
        "REDIS_URL": redis_url,
        "SMTP_URL": f"smtp://{sink.host}:{sink.port}?security=plain",
        "SECRET_KEY": SECRET,
        "BASE_URL": "https://digest.courier.example",
        "SITE_NAME": "The Harbour Courier",
        "SENDER": "The Harbour Courier <digest@courier.example>",
        "POSTAL_ADDRESS": "Quay 4, 2100 Port Ellery",
        "DEFAULT_TIME_ZONE": "Europe/Copenhagen",
        "PORT": str(free_port()),
    } | connections
    return ours | {f"{PREFIX}{name}": value for name, value in wanted.items() if value}


def publication() -> Publication:
    """The invented publisher, as its mails show it."""
    nowhere = Sink("", "127.0.0.1", 25)
    return Publication.of(loaded(settings_for(Options(), folder=Path("none"), database_url="sqlite://", sink=nowhere)))


def loaded(environment: Mapping[str, str]) -> Settings:
    """The settings as the processes read them; no file of the working folder has a say."""
    return load_settings(environment, folder=Path(os.devnull))


class Installation:
    """A broker, workers, beat and if asked for the web pages, up and waiting at the end of `start`."""

    def __init__(
        self,
        options: Options,
        *,
        children: Children,
        folder: Path,
        database_url: str,
        sink: Sink,
        with_web: bool,
        marked: bool = True,
    ) -> None:
        self._children = children
        self.with_web = with_web
        self._worker = ("digestmail", "worker") if marked else _UNMARKED
        self._count = options.workers
        folder.mkdir()
        broker = choose_broker(loaded(settings_for(options, folder=folder, database_url=database_url, sink=sink)))
        self._broker_command = broker.command
        self._broker_url = broker.url
        self.environment = settings_for(
            options, folder=folder, database_url=database_url, sink=sink, redis_url=broker.url
        )
        self.settings = loaded(self.environment)
        self.ring = doorbell(broker.url)
        self.workers: list[Child] = []
        self.others: list[Child] = []

    def start(self) -> None:
        """Start everything and wait until it is there; whether the workers are ready shows when they work."""
        broker = self._children.start("broker", self._broker_command or ())
        self.others.append(broker)
        self._children.wait_for(lambda: answers_ping(self._broker_url), "the broker")
        for number in range(1, self._count + 1):
            self.workers.append(self._process(f"worker {number}", *self._worker))
        self.others.append(self._process("beat", "digestmail", "beat"))
        if self.with_web:
            self.others.append(self._process("web", "digestmail", "web"))
            self._children.wait_for(self._is_well, "the web pages")

    def stop(self) -> None:
        """Stop it as an operator would."""
        self._children.stop(*self.others[:1], *self.workers, *self.others[1:])

    def sign_up(self, email: str, topic: str) -> datetime:
        """Post the sign-up form; when it was posted. Raises BenchError where it was not taken."""
        form = {"email": email, "topics": topic, "hour": "7", "time_zone": "UTC"}
        at = datetime.now(UTC)
        request = urllib.request.Request(f"{self._url}/sign-up", urllib.parse.urlencode(form).encode())
        with urllib.request.urlopen(request, timeout=60) as response:
            if response.status != 200:
                raise BenchError(f"The sign-up was answered with {response.status}.")
        return at

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def _is_well(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/healthz", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def _process(self, name: str, *module: str) -> Child:
        return self._children.start(name, [sys.executable, "-m", *module], environment=self.environment, folder=_TOP)
