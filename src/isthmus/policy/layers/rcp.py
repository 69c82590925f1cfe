"""Resource control policies: what an organization lets anybody do to the resources of a member account.

They cover some services only and leave service-linked roles alone (Organizations User Guide, "Resource control
policies"). Every level must allow, which AWS's own RCPFullAWSAccess does; customers' policies deny. Their Principal can
only be `"*"`, so it is not asked.
"""

from __future__ import annotations

from ..model import AuthorizationRequest, PolicyType
from .shape import ALLOW, Level, Side, Verdict, is_service_linked, verdict_of_levels

TYPE = PolicyType.RCP
SIDE: Side = "owner"
SERVICES = frozenset({
    "aoss", "appconfig", "appstream", "autoscaling", "autoscaling-plans", "budgets", "clouddirectory", "cloudfront",
    "cloudsearch", "cloudtrail-data", "codeartifact", "codebuild", "codecommit", "codepipeline", "cognito-identity",
    "cognito-idp", "comprehend", "comprehendmedical", "compute-optimizer", "cost-optimization-hub", "dax", "dsql",
    "dynamodb", "ecr", "ecr-public", "events", "firehose", "fis", "fms", "gamelift", "health", "inspector-scan",
    "kendra", "kinesisvideo", "kms", "logs", "memorydb", "networkmonitor", "notifications", "opensearch",
    "pca-connector-ad", "personalize", "polly", "pricing", "resource-groups", "rolesanywhere", "s3", "secretsmanager",
    "servicediscovery", "signin", "sqs", "sts", "support", "swf", "textract", "timestream-influxdb", "transcribe",
    "transfer", "translate", "wafv2", "workspaces", "xray",
})  # fmt: skip
"""Services whose resources they cover (Organizations User Guide, "List of AWS services that support RCPs")."""
_EXEMPT_ACTIONS = frozenset({"kms:retiregrant"})


def applies(request: AuthorizationRequest) -> bool:
    """Whether resource control policies cover the request."""
    action = request.action.lower()
    return action.partition(":")[0] in SERVICES and action not in _EXEMPT_ACTIONS and not is_service_linked(request)


def verdict(request: AuthorizationRequest) -> Verdict:
    """A deny at any level, silence at any level, or ALLOW."""
    rcps = request.owner.rcps
    if not rcps or not applies(request):
        return ALLOW
    return verdict_of_levels(rcps, request)


def levels(request: AuthorizationRequest) -> tuple[Level, ...]:
    """One level for each level of the organization."""
    if not applies(request):
        return ()
    return tuple(Level(level, TYPE) for level in request.owner.rcps)
