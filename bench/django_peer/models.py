"""The user and the group of the project: Django's own, with what django-scim2 wants of them."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Group(AbstractSCIMGroupMixin):  # type: ignore[misc]  # Django has no types
    """A group of users."""

    name = models.CharField(max_length=254, unique=True)


class User(AbstractSCIMUserMixin, AbstractUser):  # type: ignore[misc]
    """A user; ``username`` is unique, as in Django."""

    username = models.CharField(max_length=254, unique=True)
    scim_groups = models.ManyToManyField(Group, related_name="user_set")
