"""The doorbell: tells a worker to look for what is due now instead of at its next round.

It carries nothing. Workers look by themselves too, so a broker that is away costs time and no mail.
"""

import logging
from collections.abc import Callable

from celery import Celery

Doorbell = Callable[[], None]

DELIVER = "digestmail.deliver"
"""The name of the task that looks for due deliveries."""

COLLECT = "digestmail.collect"
"""The name of the task that looks for due feeds."""

_log = logging.getLogger(__name__)


def doorbell(redis_url: str | None, task: str = DELIVER) -> Doorbell:
    """A doorbell at this broker, for one kind of work.

    It never raises and never blocks for more than a moment; without a URL it is mute.
    """
    if redis_url is None:
        return lambda: None
    celery = Celery(broker=redis_url, set_as_current=False)
    celery.conf.broker_transport_options = {
        "socket_connect_timeout": 1,
        "socket_timeout": 1,
        "max_retries": 0,  # without it the broker's transport waits for a dead server for ever
    }

    def ring() -> None:
        try:
            celery.send_task(task, ignore_result=True, expires=60, retry=False)
        except Exception as error:  # noqa: BLE001, RUF100 - whatever is wrong with the broker, the database has what is due
            _log.warning("the doorbell could not be rung, the worker's next round looks: %s", error)

    return ring
