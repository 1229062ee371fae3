"""A Django project with django-scim2, as its documentation sets it up, over PostgreSQL.

It runs in an environment of its own, which ``bench.django_scim2`` makes; nothing else imports it.
"""
