"""The Celery application. Its tasks carry no data: each says "look", so a lost, doubled or late one does no harm.

That is why there is no result backend, no eta, no retry and no late acknowledgement here: a task whose worker was
killed is simply rung again by beat, and workers look by themselves when nobody rings (see `workers.lookout`).
"""

import gc
from functools import cache
from typing import TYPE_CHECKING, Any

from celery import Celery
from celery.signals import worker_init, worker_shutdown, worker_shutting_down

from digestmail.errors import SettingsError
from digestmail.logs import log_plainly
from digestmail.memory import share_arenas
from digestmail.settings import load_settings
from workers.schedule import BEAT_SCHEDULE

if TYPE_CHECKING:
    from workers.lookout import Lookout

log_plainly()
share_arenas()
settings = load_settings()
if settings.redis_url is None:
    raise SettingsError(
        "A worker needs the address of its broker: set DIGESTMAIL_REDIS_URL, "
        "or let `digestmail serve` start everything."
    )

app = Celery("digestmail", broker=settings.redis_url, include=["workers.tasks"])
app.conf.update(
    beat_schedule=BEAT_SCHEDULE,
    broker_channel_error_retry=True,  # a broker that is full answers with an error, of which a worker would die
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": 60,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
        "health_check_interval": 10,
    },
    enable_utc=True,
    result_backend=None,
    task_acks_late=False,
    task_ignore_result=True,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5},
    task_store_errors_even_if_ignored=False,
    timezone="UTC",
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=1,
    worker_redirect_stdouts=False,
    worker_send_task_events=False,
)


@cache
def lookout() -> "Lookout":
    """The work of this process. Made and imported for a worker alone: beat does without, and takes half the memory."""
    from digestmail.desk.service import Service
    from digestmail.store.shared_clock import shared_clock
    from workers.lookout import Lookout

    service = Service(settings)
    service.rehearse()
    return Lookout(service, shared_clock(service.database))


@worker_init.connect  # type: ignore[untyped-decorator]
def _start_looking(**_: Any) -> None:
    try:
        lookout().start()
    except Exception as error:  # Celery would log it and go on without
        raise SystemExit(f"The worker cannot begin: {error}") from error
    gc.freeze()  # what was imported stays: the garbage collector need not look through it again in each run


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _stop(**_: Any) -> None:
    lookout().stop()


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def _finish(**_: Any) -> None:
    lookout().finish()
