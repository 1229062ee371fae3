"""What is shipped for tests: the contracts that every store must keep, a clock, replayed conversations.

class TestMyStore(StoreContract):
    @asynccontextmanager
    async def open_store(self, folder: Path) -> AsyncIterator[Store]: ...
"""

from rosterd.testing.access_contract import AccessContract
from rosterd.testing.audit_contract import AuditContract
from rosterd.testing.client_contract import ClientContract
from rosterd.testing.clock import FakeClock
from rosterd.testing.connection_removal_contract import ConnectionRemovalContract
from rosterd.testing.control_contract import ControlContract
from rosterd.testing.conversation import Conversation, ConversationError, ConversationFailure, Reply
from rosterd.testing.expiry_contract import ExpiryContract
from rosterd.testing.measure_contract import MeasureContract
from rosterd.testing.registry_contract import RegistryContract
from rosterd.testing.removal_contract import RemovalContract
from rosterd.testing.request_log_contract import RequestLogContract
from rosterd.testing.set_contract import SetContract
from rosterd.testing.setting_contract import SettingContract
from rosterd.testing.sharing_contract import BookmarkContract, SharingContract
from rosterd.testing.standing_contract import StandingContract
from rosterd.testing.store_contract import DurableStoreContract, StoreContract
from rosterd.testing.survey_contract import SurveyContract
from rosterd.testing.webhook_contract import WebhookContract

__all__ = [
    "AccessContract",
    "AuditContract",
    "BookmarkContract",
    "ClientContract",
    "ConnectionRemovalContract",
    "ControlContract",
    "Conversation",
    "ConversationError",
    "ConversationFailure",
    "DurableStoreContract",
    "ExpiryContract",
    "FakeClock",
    "MeasureContract",
    "RegistryContract",
    "RemovalContract",
    "Reply",
    "RequestLogContract",
    "SetContract",
    "SettingContract",
    "SharingContract",
    "StandingContract",
    "StoreContract",
    "SurveyContract",
    "WebhookContract",
]
