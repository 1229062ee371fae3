"""The whole control plane as one type: what the store's implementation offers beside the directories."""

from typing import Protocol

from rosterd.service.access import AccessControl
from rosterd.service.audit import AuditLog
from rosterd.service.clients import ClientControl
from rosterd.service.control import Control
from rosterd.service.expiry import ExpiryControl
from rosterd.service.measures import Measured
from rosterd.service.preferences import SettingStore
from rosterd.service.projections import Lagging
from rosterd.service.registry import Registry
from rosterd.service.removal import Removals
from rosterd.service.request_log import RequestLog
from rosterd.service.set_polls import SetPolls
from rosterd.service.sharing import FormMarks, SharedBuckets
from rosterd.service.survey import Survey
from rosterd.service.walks import Bookmarks
from rosterd.service.webhooks import Webhooks


class ControlPlane(
    Control,
    ClientControl,
    Registry,
    AuditLog,
    SettingStore,
    RequestLog,
    AccessControl,
    Webhooks,
    ExpiryControl,
    Measured,
    SetPolls,
    SharedBuckets,
    FormMarks,
    Lagging,
    Survey,
    Removals,
    Protocol,
):
    """All of the control plane."""

    @property
    def bookmarks(self) -> Bookmarks:
        """Of walks, where every process that serves the same finds them."""
