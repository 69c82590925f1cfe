"""Request signatures: SigV4 in header, query, form and chunks, and SigV2 for old S3 clients. Pure.

presented = credentials_of(request, service)
verify(presented, request, secret, now)
body = verified_body(request, presented, signing_key_of(presented, secret))
"""

from .chunks import ChunkDecoder, Seed
from .dates import SKEW_SECONDS
from .form import PostedForm, read_form
from .payload import VerifiedBody, declared_payload, verified_body, without_aws_chunked
from .post_policy import check_length, check_post_policy
from .presented import Form, Presented, Version, credentials_of, credentials_of_form
from .scope import scope_service
from .sign import encode_chunks, presign, sign_headers
from .verify import signing_key, signing_key_of, verify

__all__ = [
    "SKEW_SECONDS",
    "ChunkDecoder",
    "Form",
    "PostedForm",
    "Presented",
    "Seed",
    "VerifiedBody",
    "Version",
    "check_length",
    "check_post_policy",
    "credentials_of",
    "credentials_of_form",
    "declared_payload",
    "encode_chunks",
    "presign",
    "read_form",
    "scope_service",
    "sign_headers",
    "signing_key",
    "signing_key_of",
    "verified_body",
    "verify",
    "without_aws_chunked",
]
