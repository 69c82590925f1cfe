"""Signatures of AWS requests: SigV4 in headers, query, POST forms and chunk streams; SigV2 for old S3 clients. Pure."""
