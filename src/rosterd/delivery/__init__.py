"""Delivery: what leaves rosterd by itself, such as signed webhooks; what was written is sent in the end."""
