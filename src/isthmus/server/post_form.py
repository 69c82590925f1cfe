"""PostObject: an upload by an HTML form, whose fields carry what headers carry elsewhere.

Source: "POST Object" and "Browser-Based Uploads Using POST" in the S3 API reference. The policy document of the form is
what was signed; a form without credentials is an anonymous upload. What a browser says about the file, in the headers
of its part, is no field: the policy says nothing about it, so only its name is taken, for `${filename}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isthmus.operation import System
from isthmus.s3.post import check_key_field, form_headers, form_input
from isthmus.signing import Presented, check_post_policy, credentials_of_form, read_form, verify
from isthmus.wire import Request

from .authenticate import Credentials, anonymous_credentials, find_credentials


@dataclass(frozen=True, slots=True)
class FormUpload:
    """A form whose signature and policy hold. found: what the operation expects in `call.found`."""

    given: dict[str, Any]
    credentials: Credentials
    presented: Presented | None
    found: dict[str, Any]


async def read_form_upload(system: System, request: Request, bucket: str, now: float) -> FormUpload:
    """Read a form up to its file and check it; the file becomes the body of `request`.

    Raises AwsError: what `read_form`, `check_key_field`, `credentials_of_form`, `verify` and `check_post_policy` raise.
    """
    form = await read_form(request.body, request.headers.get("content-type", ""))
    fields = form.fields
    check_key_field(fields)
    presented = credentials_of_form(fields)
    credentials = anonymous_credentials()
    bounds = None
    if presented is not None:
        credentials = await find_credentials(system, presented, "s3", now)
        verify(presented, request, credentials.secret, now)
        named = {**fields, "key": fields.get("key", "").replace("${filename}", form.filename)}
        bounds = check_post_policy(presented.policy or "", named, bucket, now)
    given = form_input(fields, form.filename, bucket)
    request.headers = form_headers(request.headers, fields)
    request.body = form.file
    return FormUpload(given, credentials, presented, {"length_range": bounds})
