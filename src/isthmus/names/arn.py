"""Amazon Resource Names: six fields between colons, the last of which may itself contain colons.

Source: AWS General Reference, "Amazon Resource Names (ARNs)".
"""

from __future__ import annotations

from dataclasses import dataclass


class InvalidArn(ValueError):  # noqa: N818 - read as what it is
    """The text does not have the six fields of an ARN."""


@dataclass(frozen=True, slots=True)
class Arn:
    """A parsed ARN. `str(Arn.parse(text)) == text` for every text that parses."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Split `text` at its first five colons. Raises InvalidArn."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
            raise InvalidArn(
                f"{text!r} is not an ARN: expected arn:partition:service:region:account:resource"
            )
        return cls(*parts[1:])

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def resource_type(self) -> str:
        """`user` of `user/path/alice`; empty where the resource has no type (S3)."""
        head, slash, _ = self.resource.partition("/")
        return head if slash else ""

    @property
    def path(self) -> str:
        """The IAM path with both slashes: `/division/` of `user/division/alice`."""
        parts = self.resource.split("/")
        return "/" + "".join(part + "/" for part in parts[1:-1])

    @property
    def name(self) -> str:
        """The last segment of the resource: `alice` of `user/division/alice`."""
        return self.resource.rsplit("/", 1)[-1]
