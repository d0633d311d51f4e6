"""Users and groups with what SCIM needs."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Group(AbstractSCIMGroupMixin):
    """A group of users."""

    name = models.CharField(max_length=200)


class User(AbstractSCIMUserMixin, AbstractUser):
    """A user with SCIM's ids."""

    scim_groups = models.ManyToManyField(Group, related_name="user_set")
