"""How many changes a server commits together, as its metrics tell: so much is its raw limit given at once."""

from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from bench.client import Connection, Target, expect

_NAME: Final = "rosterd_commit_batch_changes"


@dataclass(frozen=True, slots=True)
class Committed:
    """What all workers of a server have committed so far."""

    changes: float = 0.0
    transactions: float = 0.0

    def a_batch_since(self, before: "Committed") -> int:
        """Changes of a transaction since then, on average; 1 if there was none."""
        transactions = self.transactions - before.transactions
        return max(1, round((self.changes - before.changes) / transactions)) if transactions else 1


def parse(text: str) -> Committed:
    """From the text format of Prometheus, where each worker has a line of its own."""
    found = {f"{_NAME}_sum": 0.0, f"{_NAME}_count": 0.0}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in found:
                found[sample.name] += sample.value
    return Committed(*found.values())


async def committed(target: Target) -> Committed:
    """Ask a server of rosterd. Raises ``OSError``, ``BadResponse``, and as ``expect`` does."""
    connection = Connection(target)
    try:
        response = await connection.exchange(Target(target.host, target.port).request("GET", "/metrics"))
    finally:
        connection.close()
    expect(response, 200)
    return parse(response.body.decode())
