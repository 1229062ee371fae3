"""What is shipped for tests: the contracts that every store must keep, a clock, replayed conversations.

class TestMyStore(StoreContract):
    @asynccontextmanager
    async def open_store(self, folder: Path) -> AsyncIterator[Store]: ...
"""

from rosterd.testing.clock import FakeClock
from rosterd.testing.control_contract import ControlContract
from rosterd.testing.conversation import Conversation, ConversationError, ConversationFailure, Reply
from rosterd.testing.store_contract import DurableStoreContract, StoreContract

__all__ = [
    "ControlContract",
    "Conversation",
    "ConversationError",
    "ConversationFailure",
    "DurableStoreContract",
    "FakeClock",
    "Reply",
    "StoreContract",
]
