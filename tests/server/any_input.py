"""Inputs for every operation as no client would think of them, some of them good: the same ones for the same seed.

Values that an answer told (names, ids, ARNs) come back in later inputs under the same member name, so that operations
meet what others made. A share of the values fits nothing.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict, deque
from datetime import UTC, datetime
from typing import Any

from wire.samples import sample

ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},'
    '"Action":"sts:AssumeRole"}]}'
)
_OPEN = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},'
    '"Action":["kms:*","s3:*"],"Resource":["arn:aws:s3:::first/*","*"]}]}'
)
_USUAL = {
    "AWSServiceName": ["s3.amazonaws.com"],
    "AccountAlias": ["one-alias"],
    "ActionNames": ["s3:GetObject"],
    "AliasName": ["alias/one", "alias/two"],
    "AssumeRolePolicyDocument": [TRUST],
    "Bucket": ["first", "second", "arn:aws:s3:::second"],
    "CopySource": ["first/key", "/first/folder/key?versionId=null"],
    "GroupName": ["analysts", "others"],
    "Key": ["key", "folder/key", "//", "a" * 1025],
    "KeyId": ["alias/one"],
    "PermissionsBoundary": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
    "Policy": [ALLOW, _OPEN],
    "PolicyArn": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
    "PolicyDocument": [ALLOW],
    "PolicyInputList": [ALLOW],
    "PolicyName": ["one", "two"],
    "PolicySourceArn": ["arn:aws:iam::111122223333:user/alice"],
    "Principal": ["arn:aws:iam::111122223333:user/alice", "arn:aws:iam::444455556666:root"],
    "RoleName": ["reader", "writer"],
    "S3BucketName": ["second"],
    "SerialNumber": ["arn:aws:iam::111122223333:mfa/device"],
    "TargetBucket": ["second"],
    "Url": ["https://idp.example.com"],
    "UserName": ["alice", "bob", "carol"],
    "VersionId": ["null", "v1"],
    "VirtualMFADeviceName": ["device"],
}
_ALSO = {"GranteePrincipal": "Principal", "RoleArn": "Role", "TargetKeyId": "KeyId", "ResourceId": "ResourceArn"}
# None of them fits; some have broken parsers of numbers, dates, ranges, ARNs, paths or JSON elsewhere.
_ODD = (
    "", " ", "\x00", "a\nb", "\ue000", "é/ü", "%", "%00", "..", "../../etc", "a" * 1025, "*", "?", "${", "<&>", "-1",
    "9" * 30, "1e5", "None", "\u202e", "\U0001f600", "/", ":", "arn:aws:iam::", "arn:aws:s3:::", "arn:::::",
    "arn:aws:kms:us-east-1:111122223333:key/", "bytes=0-", "bytes=5-1", "2020-01-01", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "{}", "[]", '{"a":', "null", '{"Statement":{"Effect":"Allow","Action":[],"Resource":[]}}',
    '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"a:b":"x"}}}]}',
)  # fmt: skip
_NUMBERS, _ODD_NUMBERS = (1, 2, 3, 10, 900, 3600), (0, -1, 2**31, 2**63 - 1, 2**63, 10**30)
_MOMENTS = tuple(datetime(year, 1, 1, tzinfo=UTC) for year in (1, 1970, 2027, 9999))
_TOLD = re.compile(r'<(\w+)>([^<>]{1,2000})</|"(\w+)": ?"([^"\\]{1,500})"')
_DEEPEST = 6  # the models have shapes within themselves
_KEPT = 30  # values of one name


class AnyInput:
    """Draws inputs; `hear` tells it what was answered."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._odd = 0.0
        self._known: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_KEPT))
        for name, values in _USUAL.items():
            self._known[name].extend(values)

    def of(self, shape: Any) -> dict[str, Any]:
        """An input of this shape, with no member of an odd kind or some of them."""
        self._odd = self.random.choice((0.0, 0.0, 0.05, 0.3))
        return {} if shape is None else self._structure(shape, 0)

    def hear(self, answer: str) -> None:
        """Remember the values of an answer, XML or JSON, by the names they have there."""
        for found in _TOLD.finditer(answer):
            name, text = found[1] or found[3], found[2] or found[4]
            kind = {":role/": "Role", ":policy/": "PolicyArn", ":key/": "KeyId"}
            for known in (name, *(of for part, of in kind.items() if part in text), *self._meant(name)):
                if text not in self._known[known]:
                    self._known[known].append(text)

    @staticmethod
    def _meant(name: str) -> tuple[str, ...]:
        if name.lower() == "arn":
            return ("ResourceArn",)
        return ("ParentId", "TargetId", "AccountId", "PolicyId") if name == "Id" else ()

    def _structure(self, shape: Any, depth: int) -> dict[str, Any]:
        some = 0.12 if len(shape.members) > 15 else 0.25
        drawn: dict[str, Any] = {}
        for name, member in shape.members.items():
            wanted = 0.985 if name in shape.required_members else some if depth < _DEEPEST - 1 else 0.0
            place = member.serialization.get("location")
            if self.random.random() < wanted or place == "uri":  # without it botocore makes no request
                drawn[name] = self._value(member, name, place in ("header", "headers"), depth + 1)
        return drawn

    def _value(self, shape: Any, name: str, header: bool, depth: int) -> Any:
        draw = self.random
        match shape.type_name:
            case "structure":
                return self._structure(shape, depth)
            case "list":
                count = draw.choice((0, 1, 1, 2)) if depth < _DEEPEST else 0
                return [self._value(shape.member, name, header, depth + 1) for _ in range(count)]
            case "map":
                key = self._string(shape.key, name, header) or "name"
                return {key: self._value(shape.value, name, header, depth + 1)} if depth < _DEEPEST else {}
            case "string":
                return self._string(shape, name, header)
            case "blob":
                return draw.choice((b"", b"x", b"<a>", b"\xff\xfe", bytes(range(256))))
            case "boolean":
                return draw.choice((True, False))
            case "timestamp":
                return draw.choice(_MOMENTS)
            case "integer" | "long":
                return draw.choice(_ODD_NUMBERS if draw.random() < self._odd else _NUMBERS)
        return draw.choice((0.0, -1.0, 1e308))

    def _string(self, shape: Any, name: str, header: bool) -> str:
        known = self._known[_ALSO.get(name, name)] or self._known[shape.name]
        if self.random.random() < self._odd:
            text = self.random.choice(_ODD)
        elif enum := shape.metadata.get("enum"):
            text = self.random.choice(enum)
        elif known:
            text = self.random.choice(known)
        else:
            try:
                text = sample(shape, complete=False, header=header)
            except StopIteration:  # a pattern that none of the samples fits
                text = self.random.choice(_ODD)
        return re.sub(r"[^ -~]", "", text).strip() if header else text
