"""What belongs to a directory or a connection, in the order in which it is taken away.

Nothing goes before what refers to it.
"""

from typing import Final

ENDED: Final = ("end_connections", "end_clients", "end_api_keys", "end_webhooks")
"""Statements that end what leads to a directory, at a time: what releases that do not know of it go by."""
DROPPED: Final = ("end_lines", "end_administrators", "end_setup_links", "end_mapping")
"""Statements that take away what there is little of, so that it is not seen any more either."""

CREDENTIALS: Final = (
    "clear_token", "clear_client_secret", "clear_client", "clear_replay", "clear_api_key",
)  # fmt: skip
ATTEMPTS: Final = ("own_attempts", "other_attempts")
"""Statements that find entries of the log of deliveries, which has no key that begins with the directory."""
LATE: Final = (*DROPPED, "clear_fuse_window", "clear_webhook")
"""Statements that take all at once; a process that was late may have written some of it again."""
DATA: Final = (
    "clear_request_hour", "clear_request", "clear_webhook_dead", "clear_set_ack", "clear_projection",
    "clear_adoption", "clear_pending_member", "clear_member", "clear_attribute_value", "clear_unique_value",
    "clear_erasure", "clear_event",
)  # fmt: skip
LAST: Final = ("clear_bucket", "clear_counter", "clear_connection", "clear_removed_connection")

OWN: Final = (
    "drop_setup_links", "drop_tokens", "drop_client_secrets", "drop_clients", "forget_loss",
    "drop_connection",
)  # fmt: skip
"""Statements that take a connection away, and what leads to it."""
