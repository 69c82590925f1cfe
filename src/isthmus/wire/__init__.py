"""AWS wire protocols: requests in, responses out, errors as values. Pure; driven by botocore's service models."""

from .control import ControlRoute, is_control_request, parse_control_input, route_control
from .errors import AwsError, status_of
from .hosts import host_bucket, service_of_host, website_bucket
from .http import Body, BytesBody, FileSlice, Request, Response, ResponseBody
from .json_protocol import json_action, parse_json_input
from .models import operation_model, service_model
from .query import form_of, parse_query_input, query_action
from .rest_xml import MALFORMED_XML, parse_s3_input
from .route import S3Route, parse_query, route_s3
from .serialise import render, render_error

__all__ = [
    "MALFORMED_XML",
    "AwsError",
    "Body",
    "BytesBody",
    "ControlRoute",
    "FileSlice",
    "Request",
    "Response",
    "ResponseBody",
    "S3Route",
    "form_of",
    "host_bucket",
    "is_control_request",
    "json_action",
    "operation_model",
    "parse_control_input",
    "parse_json_input",
    "parse_query",
    "parse_query_input",
    "parse_s3_input",
    "query_action",
    "render",
    "render_error",
    "route_control",
    "route_s3",
    "service_model",
    "service_of_host",
    "status_of",
    "website_bucket",
]
