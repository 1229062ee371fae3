"""The management API below ``/api/v1``: a table of routes, each with a function that answers."""
