"""The accounts of the ledger, the troubles of feeds and what came back as metrics, in Prometheus's text format."""

from collections.abc import Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from digestmail.deliveries.accounts import Account
from digestmail.deliveries.bounces.history import Returns
from digestmail.store.states import Kind, Trouble

__all__ = ("CONTENT_TYPE", "metrics_of")


class _Desk(Collector):
    def __init__(
        self, accounts: Mapping[Kind, Account], workers: int, feeds: Mapping[Trouble | None, int], returns: Returns
    ) -> None:
        self._accounts = accounts
        self._workers = workers
        self._feeds = feeds
        self._returns = returns

    def collect(self) -> Iterator[Metric]:
        """The metrics, one family after the other."""
        planned = GaugeMetricFamily("digestmail_deliveries_planned", "Deliveries that were planned.", labels=["kind"])
        missing = GaugeMetricFamily(
            "digestmail_deliveries_missing", "Planned deliveries that are in no state; 0 in health.", labels=["kind"]
        )
        by_state = GaugeMetricFamily("digestmail_deliveries", "Deliveries in each state.", labels=["kind", "state"])
        for kind, account in self._accounts.items():
            planned.add_metric([kind], account.planned)
            missing.add_metric([kind], account.missing)
            for state, count in account.states.items():
                by_state.add_metric([kind, state], count)
        workers = GaugeMetricFamily("digestmail_workers", "Workers that showed they live in the last minute.")
        workers.add_metric([], self._workers)
        feeds = GaugeMetricFamily("digestmail_feeds", "Feeds by what is wrong with them.", labels=["trouble"])
        for trouble, count in self._feeds.items():
            feeds.add_metric([trouble or "none"], count)
        yield from (planned, by_state, missing, workers, feeds)
        bounces = GaugeMetricFamily("digestmail_bounces", "What came back in the last seven days.", labels=["kind"])
        for kind_of_bounce, count in self._returns.kinds.items():
            bounces.add_metric([kind_of_bounce], count)
        refused = GaugeMetricFamily(
            "digestmail_refused", "Messages that a domain refused by its policy in these days.", labels=["domain"]
        )
        for domain, count in self._returns.refusing:
            refused.add_metric([domain], count)
        suppressed = GaugeMetricFamily("digestmail_suppressed", "Addresses that are suppressed.")
        suppressed.add_metric([], self._returns.suppressed)
        yield from (bounces, refused, suppressed)


def metrics_of(
    accounts: Mapping[Kind, Account], *, workers: int, feeds: Mapping[Trouble | None, int], returns: Returns
) -> bytes:
    """One page of metrics; `feeds` counts those in each trouble, and in none."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Desk(accounts, workers, feeds, returns))
    return generate_latest(registry)
