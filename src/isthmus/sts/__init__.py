"""STS: temporary credentials."""

from . import assume_role, user_credentials, web_identity, who_is_it
from .messages import encode_decision

__all__ = ["assume_role", "encode_decision", "user_credentials", "web_identity", "who_is_it"]
