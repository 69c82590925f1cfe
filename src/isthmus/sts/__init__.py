"""STS: temporary credentials."""

from . import assume_role, assume_root, saml, user_credentials, web_identity, who_is_it
from .messages import encode_decision

__all__ = ["assume_role", "assume_root", "encode_decision", "saml", "user_credentials", "web_identity", "who_is_it"]
