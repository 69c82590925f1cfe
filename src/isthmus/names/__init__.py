"""What things are called: ARNs, account ids, unique ids, bucket names and object keys. Pure."""

from .accounts import account_of_access_key, canonical_id, is_account_id, root_arn
from .arn import Arn, InvalidArn
from .buckets import bucket_arn, is_bucket_name, object_arn, object_key_problem
from .organizations import organizational_unit_id, organizations_arn, organizations_id
from .unique_ids import access_key_id, unique_id

__all__ = [
    "Arn",
    "InvalidArn",
    "access_key_id",
    "account_of_access_key",
    "bucket_arn",
    "canonical_id",
    "is_account_id",
    "is_bucket_name",
    "object_arn",
    "object_key_problem",
    "organizational_unit_id",
    "organizations_arn",
    "organizations_id",
    "root_arn",
    "unique_id",
]
