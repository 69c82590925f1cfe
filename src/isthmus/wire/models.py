"""botocore's service models: the specification of every protocol we speak.

Reading them is the only file access of this room; it happens once per service and process.
"""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel


@cache
def service_model(service: str) -> ServiceModel:
    """The model of a service by its botocore name (`s3`, `iam`, `sts`)."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@cache
def operation_model(service: str, name: str) -> OperationModel:
    """The model of one operation. Raises botocore's OperationNotFoundError."""
    return service_model(service).operation_model(name)
