"""Requester Pays: whoever is not of the bucket's account says that it knows it would be charged.

Nothing is charged here. What clients see is as on AWS, so that what works here works there: a request by another
account without `x-amz-request-payer: requester` is refused, and so is every anonymous one; an answer to a request
that has it says that it was charged.

Source: S3 User Guide "Using Requester Pays general purpose buckets for storage transfers and usage".
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs

from isthmus.identity import Bucket
from isthmus.operation import Call
from isthmus.policy import PrincipalKind
from isthmus.wire import AwsError

KIND = "request-payment"
"""Under which kind a bucket's configurations hold the document."""

CHARGED = "request_charged"
"""In `call.found`: whether the answer says that the requester was charged."""

_PARAMETER = "x-amz-request-payer"


def check_payer(call: Call, bucket: Bucket) -> None:
    """Raises AccessDenied for a request that the bucket's account would have to pay for, but does not."""
    text = bucket.configurations.get(KIND)
    if text is None or json.loads(text).get("Payer") != "Requester":
        return
    principal = call.caller.principal
    if principal.kind is PrincipalKind.SERVICE or principal.account == bucket.account:
        return
    request = call.request
    said = request.headers.get(_PARAMETER) or ",".join(parse_qs(request.query).get(_PARAMETER, ()))
    if principal.kind is PrincipalKind.ANONYMOUS or said.lower() != "requester":
        raise AwsError("AccessDenied", "Access Denied")
    call.found[CHARGED] = True
