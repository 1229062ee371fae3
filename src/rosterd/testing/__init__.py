"""What is shipped for tests: the contracts that every store must keep, a clock, replayed conversations.

class TestMyStore(StoreContract):
    @asynccontextmanager
    async def open_store(self, folder: Path) -> AsyncIterator[Store]: ...
"""

from rosterd.testing.audit_contract import AuditContract
from rosterd.testing.client_contract import ClientContract
from rosterd.testing.clock import FakeClock
from rosterd.testing.control_contract import ControlContract
from rosterd.testing.conversation import Conversation, ConversationError, ConversationFailure, Reply
from rosterd.testing.registry_contract import RegistryContract
from rosterd.testing.standing_contract import StandingContract
from rosterd.testing.store_contract import DurableStoreContract, StoreContract

__all__ = [
    "AuditContract",
    "ClientContract",
    "ControlContract",
    "Conversation",
    "ConversationError",
    "ConversationFailure",
    "DurableStoreContract",
    "FakeClock",
    "RegistryContract",
    "Reply",
    "StandingContract",
    "StoreContract",
]
