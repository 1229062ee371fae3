"""Composition of what a running service tells about itself: its counts, its doors, whether it is ready."""

from rosterd.http.guard import Guard
from rosterd.http.measure import Requests
from rosterd.http.metrics import Metrics
from rosterd.service.feed import Feed
from rosterd.service.measures import Measured
from rosterd.wiring.doors import Bounds, Doors
from rosterd.wiring.ids import now
from rosterd.wiring.journal import Journal
from rosterd.wiring.metrics import Collection, Sources
from rosterd.wiring.readiness import Readiness
from rosterd.wiring.settings import Settings


class Observing:
    """Of one service."""

    def __init__(self, settings: Settings, store: Measured) -> None:
        self._settings = settings
        self._store = store
        self.requests = Requests()
        self.doors = Doors(Bounds(connections=settings.connection_limit))
        self.ready = Readiness(store.probe)
        self.collection: Collection | None = None
        """What ``/metrics`` tells, unless that is switched off."""

    def metrics(self, feed: Feed, journal: Journal, guard: Guard) -> Metrics | None:
        """The address for Prometheus; ``None`` if it is switched off."""
        if self._settings.metrics == "off":
            return None
        sources = Sources(self._store, self.requests, feed, journal, self.doors)
        self.collection = Collection(sources, now, self._settings.workers)
        return Metrics(self.collection.text, self._settings.metrics_token, guard)
