"""Which operation, bucket and service a method, a path, a query and a Host header mean."""

from __future__ import annotations

import pytest

from isthmus.wire import Request, host_bucket, route_s3, service_of_host, website_bucket

DOMAINS = ("localhost", "s3.company.example")


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("localhost", None),
        ("localhost:9000", None),
        ("s3.localhost:9000", None),
        ("iam.localhost", None),
        ("127.0.0.1:9000", None),
        ("[::1]:9000", None),
        ("elsewhere.example", None),
        ("data.localhost:9000", "data"),
        ("data.s3.localhost:9000", "data"),
        ("DATA.localhost.", "data"),
        ("data.with.dots.s3.localhost", "data.with.dots"),
        ("data.s3.company.example", "data"),
        ("s3.amazonaws.com", None),
        ("s3.eu-west-1.amazonaws.com", None),
        ("s3-eu-west-1.amazonaws.com", None),
        ("data.s3.amazonaws.com", "data"),
        ("data.s3.eu-west-1.amazonaws.com:443", "data"),
        ("data.s3.dualstack.eu-west-1.amazonaws.com", "data"),
        ("data.s3.cn-north-1.amazonaws.com.cn", "data"),
        ("data.s3-website.eu-west-1.amazonaws.com", None),
        ("data.s3-website.localhost", None),
        ("datalocalhost", None),
        ("", None),
    ],
)
def test_a_host_names_a_bucket_or_none(host: str, bucket: str | None) -> None:
    assert host_bucket(host, DOMAINS) == bucket


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("data.s3-website.localhost:9000", "data"),
        ("www.data.example.s3-website.localhost", "www.data.example"),
        ("data.s3-website.s3.company.example", "data"),
        ("data.s3-website-us-east-1.amazonaws.com", "data"),
        ("data.s3-website.eu-west-1.amazonaws.com", "data"),
        ("data.s3-website.cn-north-1.amazonaws.com.cn", "data"),
        ("data.s3.localhost", None),
        ("data.localhost", None),
        ("s3-website.localhost", None),
        ("data.s3-website.elsewhere.example", None),
    ],
)
def test_a_host_names_a_website_or_none(host: str, bucket: str | None) -> None:
    assert website_bucket(host, DOMAINS) == bucket


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("iam.localhost:9000", "iam"),
        ("sts.s3.company.example", "sts"),
        ("iam.amazonaws.com", "iam"),
        ("sts.amazonaws.com", "sts"),
        ("sts.eu-west-1.amazonaws.com", "sts"),
        ("s3.amazonaws.com", None),
        ("localhost", None),
        ("iam.elsewhere.example", None),
        ("sts.amazonaws.com.elsewhere.example", None),
    ],
)
def test_a_host_names_a_query_service_or_none(host: str, service: str | None) -> None:
    assert service_of_host(host, DOMAINS) == service


@pytest.mark.parametrize(
    ("method", "target", "operation"),
    [
        ("GET", "/", "ListBuckets"),
        ("GET", "/b", "ListObjects"),
        ("GET", "/b/", "ListObjects"),
        ("GET", "/b?list-type=2", "ListObjectsV2"),
        ("GET", "/b?list-type=1", "ListObjects"),
        ("GET", "/b?versions&prefix=a", "ListObjectVersions"),
        ("GET", "/b?uploads", "ListMultipartUploads"),
        ("GET", "/b?location", "GetBucketLocation"),
        ("GET", "/b?acl=", "GetBucketAcl"),
        ("GET", "/b?policy", "GetBucketPolicy"),
        ("GET", "/b?policyStatus", "GetBucketPolicyStatus"),
        ("HEAD", "/b", "HeadBucket"),
        ("PUT", "/b", "CreateBucket"),
        ("PUT", "/b?x-id=CreateBucket", "CreateBucket"),
        ("DELETE", "/b", "DeleteBucket"),
        ("DELETE", "/b?policy", "DeleteBucketPolicy"),
        ("POST", "/b?delete", "DeleteObjects"),
        ("GET", "/b/k", "GetObject"),
        ("GET", "/b/k/", "GetObject"),
        ("GET", "/b//", "GetObject"),
        ("GET", "/b/k?versionId=1&response-content-type=text%2Fplain", "GetObject"),
        ("GET", "/b/k?partNumber=1", "GetObject"),
        ("GET", "/b/k?uploadId=1", "ListParts"),
        ("GET", "/b/k?acl&versionId=1", "GetObjectAcl"),
        ("GET", "/b/k?attributes", "GetObjectAttributes"),
        ("HEAD", "/b/k?partNumber=2", "HeadObject"),
        ("PUT", "/b/k", "PutObject"),
        ("PUT", "/b/k?tagging", "PutObjectTagging"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart"),
        ("POST", "/b/k?uploads", "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", "CompleteMultipartUpload"),
        ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload"),
        ("DELETE", "/b/k?versionId=1", "DeleteObject"),
        ("OPTIONS", "/b/k", "OptionsObject"),
    ],
)
def test_method_path_and_query_mean_one_operation(method: str, target: str, operation: str) -> None:
    path, _, query = target.partition("?")
    assert route_s3(Request(method, path, query, {"host": "localhost"}), DOMAINS).operation == operation


def test_headers_tell_copies_and_forms_apart() -> None:
    copy = {"host": "localhost", "x-amz-copy-source": "a/b"}
    form = {"host": "localhost", "content-type": "multipart/form-data; boundary=x"}
    assert route_s3(Request("PUT", "/b/k", "", copy), DOMAINS).operation == "CopyObject"
    assert route_s3(Request("PUT", "/b/k", "partNumber=1&uploadId=u", copy), DOMAINS).operation == "UploadPartCopy"
    assert route_s3(Request("POST", "/b", "", form), DOMAINS).operation == "PostObject"


def test_the_bucket_of_the_host_leaves_the_whole_path_to_the_key() -> None:
    route = route_s3(Request("GET", "/folder/key%20one", "", {"host": "data.localhost"}), DOMAINS)
    assert (route.bucket, route.key, route.virtual_bucket) == ("data", "folder/key one", "data")
    route = route_s3(Request("GET", "/folder/key%20one", "", {"host": "localhost"}), DOMAINS)
    assert (route.bucket, route.key, route.virtual_bucket) == ("folder", "key one", None)
    assert route_s3(Request("GET", "/", "", {"host": "data.localhost"}), DOMAINS).operation == "ListObjects"
