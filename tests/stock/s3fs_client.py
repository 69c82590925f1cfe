"""One act of fsspec's S3 file system (s3fs) upon one bucket, as s3_commands.py asks for it.

    python s3fs_client.py put KEY FILE | get KEY FILE | list PREFIX | copy KEY KEY | delete KEY | presign KEY

It runs in an environment of its own, because s3fs wants a version of botocore that is not the server's. BUCKET comes in
the environment; endpoint and assumed role are those of AWS_PROFILE. What is asked for goes to stdout; an error's class
and message to stderr, with status 1.
"""

from __future__ import annotations

import os
import sys

import fsspec

PART = 8 << 20  # bytes


def main() -> int:
    """Entry point."""
    act, *words = sys.argv[1:]
    files = fsspec.filesystem("s3", use_listings_cache=False)
    at = [f"{os.environ['BUCKET']}/{word}" for word in words]
    try:
        match act:
            case "put":
                files.put_file(words[1], at[0], chunksize=PART)
            case "get":
                files.get_file(at[0], words[1])
            case "list":
                print("\n".join(path.partition("/")[2] for path in files.find(at[0])))
            case "copy":
                files.copy(*at)
            case "delete":
                files.rm_file(at[0])
            case "presign":
                print(files.sign(at[0], expiration=60))
    except OSError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
