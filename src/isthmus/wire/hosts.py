"""What a Host header says: a service, a bucket in virtual-host style, a bucket's website, or nothing.

Besides the operator's own domains, AWS's host names are always understood, so that a network whose DNS points them
here needs no change in any client. Source: S3 User Guide, "Virtual hosting of buckets"; AWS General Reference,
"Service endpoints".
"""

from __future__ import annotations

import re
from functools import lru_cache

_AWS = r"\.amazonaws\.com(?:\.cn)?"
_AWS_BUCKET = re.compile(r"(?P<bucket>.+)\.s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?" + _AWS + r"\Z")
_AWS_S3 = re.compile(r"s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?" + _AWS + r"\Z")
_AWS_WEBSITE = re.compile(r"(?P<bucket>.+)\.s3-website[.-][a-z0-9-]+" + _AWS + r"\Z")
_AWS_CONTROL = re.compile(r"(?:[0-9]{12}\.)?s3-control(?:\.dualstack)?\.[a-z0-9-]+" + _AWS + r"\Z")
_AWS_SERVICE = re.compile(r"(?P<service>iam|sts|kms|organizations|cloudtrail)(?:\.[a-z0-9-]+)?" + _AWS + r"\Z")
_ADDRESS = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[.*\])\Z")
_SERVICES = ("iam", "sts", "kms", "organizations", "cloudtrail")


@lru_cache(maxsize=4096)
def host_bucket(host: str, domains: tuple[str, ...]) -> str | None:
    """The bucket that a Host header names, or None for path style."""
    name = _without_port(host)
    if _ADDRESS.match(name):
        return None
    if _AWS_S3.match(name) or website_bucket(host, domains) is not None:
        return None
    found = _AWS_BUCKET.match(name)
    if found is not None:
        return found["bucket"]
    for domain in domains:
        for suffix in (f".s3.{domain}", f".{domain}"):
            if name.endswith(suffix):
                bucket = name[: -len(suffix)]
                if bucket == "s3" or bucket in _SERVICES:
                    return None
                return bucket
    return None


@lru_cache(maxsize=4096)
def is_control_host(host: str) -> bool:
    """Whether a Host header is one of AWS's for S3 Control."""
    return _AWS_CONTROL.match(_without_port(host)) is not None


@lru_cache(maxsize=4096)
def website_bucket(host: str, domains: tuple[str, ...]) -> str | None:
    """The bucket whose website a Host header names: `BUCKET.s3-website.DOMAIN`, and AWS's two forms."""
    name = _without_port(host)
    found = _AWS_WEBSITE.match(name)
    if found is not None:
        return found["bucket"]
    suffixes = (f".s3-website.{domain}" for domain in domains)
    return next((name[: -len(suffix)] for suffix in suffixes if name.endswith(suffix)), None)


@lru_cache(maxsize=4096)
def service_of_host(host: str, domains: tuple[str, ...] = ()) -> str | None:
    """The service other than S3 that a Host header names (`iam`, `kms` …), or None."""
    name = _without_port(host)
    found = _AWS_SERVICE.match(name)
    if found is not None:
        return found["service"]
    return next((one for one in _SERVICES for domain in domains if name == f"{one}.{domain}"), None)


def _without_port(host: str) -> str:
    name, colon, port = host.lower().rpartition(":")
    return (name if colon and port.isdigit() else host.lower()).rstrip(".")
