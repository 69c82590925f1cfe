"""AWS wire protocols: requests in, responses out, errors as values. Pure; driven by botocore's service models."""

from .errors import AwsError, status_of
from .http import Body, BytesBody, FileSlice, Request, Response, ResponseBody

__all__ = ["AwsError", "Body", "BytesBody", "FileSlice", "Request", "Response", "ResponseBody", "status_of"]
