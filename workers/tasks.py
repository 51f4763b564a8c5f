"""The tasks: each says "look" to this process's lookout."""

from digestmail.web.doorbell import COLLECT, DELIVER
from workers.app import app, lookout


@app.task(name=DELIVER)  # type: ignore[untyped-decorator]
def deliver() -> None:
    """Plan and send what is due."""
    lookout().deliver.ring()


@app.task(name=COLLECT)  # type: ignore[untyped-decorator]
def collect() -> None:
    """Fetch the feeds that are due."""
    lookout().collect.ring()
