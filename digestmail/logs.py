"""Log lines for a file or a journal: one event a line, its time first, no addresses in full and no tokens."""

import logging
import sys

import structlog


def log_plainly() -> None:
    """Set up logging for a process that runs on its own."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # it tells of each part that it loads
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of each request
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd tells of each address in full, tokens and all
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),  # standard output is for what was asked for
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
