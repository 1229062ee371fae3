"""Delivery: signed messages about what happened, sent to endpoints that are not trusted."""
