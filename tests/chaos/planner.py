"""A planner beside those of the workers: plans whatever is due, without rest. `python -m tests.chaos.planner`."""

import time

from digestmail.deliveries.plan import plan_due
from digestmail.settings import load_settings
from digestmail.store.database import Database
from digestmail.store.shared_clock import shared_clock

if __name__ == "__main__":
    settings = load_settings()
    database = Database(settings.database)
    while True:
        plan_due(database, shared_clock(database), catch_up=settings.catch_up)
        time.sleep(0.01)
