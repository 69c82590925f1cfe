"""`make bench`: what a page of a list costs in a bucket of ten million keys, beside one of ten thousand.

Both buckets lie on one server and hold folders of a thousand keys. One object of each is put through the API and its
row then written again under every other key, the server stopped meanwhile: ten million uploads would take hours and
the list would not know the difference. Rounds are interleaved, and the CPU of the server per page is compared.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median

import boto3
import yaml
from botocore.credentials import Credentials

from .load import measure
from .served import RunningServer, served, signed_get

SMALL = 10_000
FOLDER = 1000
BUCKETS = ("many", "few")
_KEY, _SECRET = "AKIAIOSFODNN7LISTING", "not-a-secret-only-for-benchmarks-000000"
PAGES = ("first page", "page in the middle", "last page", "folders", "one folder", "versions")


def run(folder: Path, rounds: int, count: int, keys: int) -> None:
    """Fills both buckets, measures, prints the table. keys: of the large bucket; count: pages a round."""
    data = folder / "listing"
    setup = folder / "listing.yaml"
    account = {"id": "111122223333", "root": {"access_keys": [{"id": _KEY, "secret": _SECRET}]}}
    setup.write_text(yaml.safe_dump({"accounts": [account | {"buckets": [{"name": name} for name in BUCKETS]}]}))
    sizes = {"many": keys, "few": SMALL}
    with served(data, setup) as server:
        client = boto3.client(
            "s3", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=_KEY,
            aws_secret_access_key=_SECRET,
        )  # fmt: skip
        for name in BUCKETS:
            client.put_object(Bucket=name, Key=f"{name}/template", Body=b"x")
    for name, size in sizes.items():
        fill(data / "objects.sqlite3", f"{name}/template", size)
    with served(data, setup) as server:
        report(server, rounds, count, sizes)


def fill(database: Path, template: str, size: int) -> None:
    """Writes the row of the key `template` under the keys of folders, in place of itself, in one transaction."""
    with closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(object_versions)")]
        kept = ", ".join(column for column in columns if column not in ("id", "key"))
        with connection:
            connection.execute(
                "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ? - 1) "
                f"INSERT INTO object_versions (key, {kept}) "
                f"SELECT CAST(printf('folder-%06d/key-%08d', n / {FOLDER}, n) AS BLOB), {kept} "
                "FROM numbers, object_versions WHERE key = ?",
                (size, template.encode()),
            )
            connection.execute("DELETE FROM object_versions WHERE key = ?", (template.encode(),))


def report(server: RunningServer, rounds: int, count: int, sizes: dict[str, int]) -> None:
    """One table: CPU per page in both buckets, their ratio, and the median time to answer in the large one."""
    print(f"\nA bucket of {sizes['many']:,} keys beside one of {sizes['few']:,}")
    print(f"{'':20}{'many, CPU µs':>16}{'few, CPU µs':>16}{'ratio':>9}{'many, p50 ms':>16}")
    keys = Credentials(_KEY, _SECRET)
    for page in PAGES:
        cpu: dict[str, list[float]] = {name: [] for name in BUCKETS}
        took: list[float] = []
        for number in range(rounds + 1):
            for name in BUCKETS:
                requests = [signed_get(server, keys, f"/{name}", query(page, sizes[name]))] * (
                    count * 20 if page == "folders" else count
                )
                figures = measure(server, requests, connections=2)
                if number:  # the first round warms up
                    cpu[name].append(figures.cpu_us)
                    took += [figures.p50_ms] if name == "many" else []
        many, few = median(cpu["many"]), median(cpu["few"])
        print(f"{page:20}{many:16.0f}{few:16.0f}{many / few:9.2f}{median(took):16.1f}")


def query(page: str, size: int) -> dict[str, str]:
    """The query of a page, with as many entries in a small bucket as in a large one."""
    middle, end = size // 2, size - FOLDER - 1
    folder = f"folder-{middle // FOLDER:06d}/"
    return {
        "first page": {"list-type": "2"},
        "page in the middle": {"list-type": "2", "start-after": f"{folder}key-{middle:08d}"},
        "last page": {"list-type": "2", "start-after": f"folder-{end // FOLDER:06d}/key-{end:08d}"},
        "folders": {"list-type": "2", "delimiter": "/", "max-keys": str(SMALL // FOLDER)},
        "one folder": {"list-type": "2", "delimiter": "/", "prefix": folder},
        "versions": {"versions": "", "key-marker": f"{folder}key-{middle:08d}"},
    }[page]
