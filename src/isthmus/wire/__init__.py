"""AWS wire protocols: requests in, responses out, errors as values. Pure; driven by botocore's service models."""

from .errors import AwsError, status_of
from .hosts import host_bucket, service_of_host
from .http import Body, BytesBody, FileSlice, Request, Response, ResponseBody
from .models import service_model
from .query import form_of, parse_query_input, query_action
from .rest_xml import MALFORMED_XML, parse_s3_input
from .route import S3Route, parse_query, route_s3
from .serialise import render, render_error

__all__ = [
    "MALFORMED_XML",
    "AwsError",
    "Body",
    "BytesBody",
    "FileSlice",
    "Request",
    "Response",
    "ResponseBody",
    "S3Route",
    "form_of",
    "host_bucket",
    "parse_query",
    "parse_query_input",
    "parse_s3_input",
    "query_action",
    "render",
    "render_error",
    "route_s3",
    "service_model",
    "service_of_host",
    "status_of",
]
