"""What the policy engines are asked: two documents, four requests each, and what every engine must answer.

A request is made anew for each decision, with another key, address and moment, so that an engine which remembers
answers has nothing to remember. The conditions are ones that all engines have.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
ACCOUNT = "111122223333"
PRINCIPAL = f"arn:aws:iam::{ACCOUNT}:user/alice"
SMALL: Json = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::reports"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": "arn:aws:s3:::reports/*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::reports/secret/*"},
    ],
}
_TEAMS = 49
LARGE: Json = {
    "Version": "2012-10-17",
    "Statement": [
        *(
            {
                "Effect": "Allow",
                "Action": ["s3:Get*", "s3:List*"],
                "Resource": [f"arn:aws:s3:::team-{number}-*/data/*", f"arn:aws:s3:::team-{number}-*/public/*"],
                "Condition": {
                    "IpAddress": {"aws:SourceIp": f"10.{number}.0.0/16"},
                    "StringLike": {"aws:PrincipalTag/team": f"team-{number}*"},
                },
            }
            for number in range(_TEAMS)
        ),
        {
            "Effect": "Deny",
            "Action": "s3:Get*",
            "Resource": "arn:aws:s3:::*/secret/*",
            "Condition": {"StringNotEquals": {"aws:PrincipalTag/clearance": "high"}},
        },
    ],
}

# Title -> action, resource (N is replaced), team whose network and tag the request has, verdict.
REQUESTS: dict[str, dict[str, tuple[str, str, int, str]]] = {
    "small": {
        "early hit": ("s3:ListBucket", "arn:aws:s3:::reports", 0, "allowed"),
        "late hit": ("s3:GetObject", "arn:aws:s3:::reports/2026/N.csv", 0, "allowed"),
        "no match": ("s3:PutObject", "arn:aws:s3:::reports/2026/N.csv", 0, "implicitDeny"),
        "explicit deny": ("s3:GetObject", "arn:aws:s3:::reports/secret/N.csv", 0, "explicitDeny"),
    },
    "large": {
        "early hit": ("s3:GetObject", "arn:aws:s3:::team-0-a/data/N.csv", 0, "allowed"),
        "late hit": ("s3:GetObject", "arn:aws:s3:::team-48-a/data/N.csv", 48, "allowed"),
        "no match": ("s3:GetObject", "arn:aws:s3:::team-77-a/data/N.csv", 7, "implicitDeny"),
        "explicit deny": ("s3:GetObject", "arn:aws:s3:::team-3-a/data/secret/N.csv", 3, "explicitDeny"),
    },
}


def cases() -> Json:
    """Everything as one JSON value, for engines in other processes: policies, and requests with their context."""
    return {
        "account": ACCOUNT,
        "principal": PRINCIPAL,
        "policies": {"small": SMALL, "large": LARGE},
        "requests": {
            size: {title: asked(*row[:3], number=0) | {"verdict": row[3]} for title, row in rows.items()}
            for size, rows in REQUESTS.items()
        },
    }


def asked(action: str, resource: str, team: int, number: int) -> Json:
    """Action, resource and context of a request."""
    return {
        "action": action,
        "resource": resource.replace("N", str(number)),
        "context": {
            "aws:SourceIp": f"10.{team}.{number // 250 % 250}.{number % 250}",
            "aws:PrincipalTag/team": f"team-{team}-x",
            "aws:PrincipalTag/clearance": "low",
            "aws:CurrentTime": f"2026-01-01T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z",
        },
    }
