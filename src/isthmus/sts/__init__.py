"""STS: temporary credentials."""

from . import assume_role, user_credentials, who_is_it

__all__ = ["assume_role", "user_credentials", "who_is_it"]
