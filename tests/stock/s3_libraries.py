"""Stock S3 clients that are libraries of Python: boto3, minio-py, pyarrow (AWS SDK for C++), obstore (Rust)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import minio
import minio.commonconfig
import minio.credentials
import minio.error
import obstore.exceptions
import pyarrow.fs
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.store import S3Store
from s3_client import PART, PROFILE, Access, S3Client

CHUNK = 1 << 20  # bytes that pyarrow reads and writes at a time


def profile_session(access: Access) -> boto3.Session:
    """A boto3 session of the profile that assumes the role, whatever the environment of the tests says."""
    session = botocore.session.Session()
    session.set_config_variable("config_file", access.terminal.environment["AWS_CONFIG_FILE"])
    session.set_config_variable("credentials_file", access.terminal.environment["AWS_SHARED_CREDENTIALS_FILE"])
    session.set_config_variable("profile", PROFILE)
    return boto3.Session(botocore_session=session)


class Boto3(S3Client):
    """boto3; the role is assumed by its profile."""

    name, error = "boto3", S3UploadFailedError
    denied = r"An error occurred \(AccessDenied\) when calling the PutObject operation: User: .* is not authorized"

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self._s3: Any = profile_session(access).client("s3")
        self._transfer = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)

    def put(self, key: str, source: Path) -> None:
        self._s3.upload_file(str(source), self.access.bucket, key, Config=self._transfer)

    def get(self, key: str, target: Path) -> None:
        self._s3.download_file(self.access.bucket, key, str(target), Config=self._transfer)

    def list(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.access.bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def copy(self, source: str, target: str) -> None:
        bucket = self.access.bucket
        self._s3.copy_object(Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": source})

    def delete(self, key: str) -> None:
        self._s3.delete_object(Bucket=self.access.bucket, Key=key)

    def presign(self, key: str) -> str:
        params = {"Bucket": self.access.bucket, "Key": key}
        return str(self._s3.generate_presigned_url("get_object", Params=params, ExpiresIn=60))


class MinioPy(S3Client):
    """minio-py; the role is assumed by its AssumeRoleProvider."""

    name, error = "minio-py", minio.error.S3Error
    denied = r"S3 operation failed; code: AccessDenied, message: User: .* is not authorized"

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        provider = minio.credentials.AssumeRoleProvider(
            sts_endpoint=access.endpoint,
            access_key=access.member.id,
            secret_key=access.member.secret,
            region="us-east-1",
            role_arn=access.role_arn,
            role_session_name="minio-py",
        )
        self._minio = minio.Minio(
            urlsplit(access.endpoint).netloc, secure=False, region="us-east-1", credentials=provider
        )

    def put(self, key: str, source: Path) -> None:
        self._minio.fput_object(self.access.bucket, key, str(source), part_size=PART)

    def get(self, key: str, target: Path) -> None:
        self._minio.fget_object(self.access.bucket, key, str(target))

    def list(self, prefix: str) -> list[str]:
        found = self._minio.list_objects(self.access.bucket, prefix=prefix, recursive=True)
        return [str(entry.object_name) for entry in found]

    def copy(self, source: str, target: str) -> None:
        bucket = self.access.bucket
        self._minio.copy_object(bucket, target, minio.commonconfig.CopySource(bucket, source))

    def delete(self, key: str) -> None:
        self._minio.remove_object(self.access.bucket, key)

    def presign(self, key: str) -> str:
        return self._minio.presigned_get_object(self.access.bucket, key, expires=timedelta(minutes=1))


class PyArrow(S3Client):
    """pyarrow's S3FileSystem; it assumes roles at AWS's own STS only, so it is given the session's credentials.

    Its parts are of 10 MiB at least, and it has no way to presign.
    """

    name, error, parts, presigns = "pyarrow", OSError, 2, False
    denied = r"AWS Error ACCESS_DENIED during \w+ operation: User: .* is not authorized"

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        where, keys = urlsplit(access.endpoint), access.session
        self._files = pyarrow.fs.S3FileSystem(
            access_key=keys.id,
            secret_key=keys.secret,
            session_token=keys.token,
            region="us-east-1",
            scheme=where.scheme,
            endpoint_override=where.netloc,
        )

    def _path(self, key: str) -> str:
        return f"{self.access.bucket}/{key}"

    def put(self, key: str, source: Path) -> None:
        with source.open("rb") as read, self._files.open_output_stream(self._path(key)) as write:
            while data := read.read(CHUNK):
                write.write(data)

    def get(self, key: str, target: Path) -> None:
        with self._files.open_input_stream(self._path(key)) as read, target.open("wb") as write:
            while data := read.read(CHUNK):
                write.write(data)

    def list(self, prefix: str) -> list[str]:
        selector = pyarrow.fs.FileSelector(self._path(prefix), recursive=True)
        return [one.path.partition("/")[2] for one in self._files.get_file_info(selector) if one.is_file]

    def copy(self, source: str, target: str) -> None:
        self._files.copy_file(self._path(source), self._path(target))

    def delete(self, key: str) -> None:
        self._files.delete_file(self._path(key))


class Obstore(S3Client):
    """obstore, the Rust crate object_store for Python; its boto3 provider assumes the role."""

    name, error = "obstore", obstore.exceptions.PermissionDeniedError
    denied = r"<Code>AccessDenied</Code><Message>User: .* is not authorized"

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self._store = S3Store(
            access.bucket,
            endpoint=access.endpoint,
            credential_provider=Boto3CredentialProvider(profile_session(access)),
            client_options={"allow_http": True},
        )

    def put(self, key: str, source: Path) -> None:
        self._store.put(key, source, chunk_size=PART)

    def get(self, key: str, target: Path) -> None:
        with target.open("wb") as write:
            for data in self._store.get(key):
                write.write(data)

    def list(self, prefix: str) -> list[str]:
        return [entry["path"] for entries in self._store.list(prefix) for entry in entries]

    def copy(self, source: str, target: str) -> None:
        self._store.copy(source, target)

    def delete(self, key: str) -> None:
        self._store.delete(key)

    def presign(self, key: str) -> str:
        return obstore.sign(self._store, "GET", key, timedelta(minutes=1))
