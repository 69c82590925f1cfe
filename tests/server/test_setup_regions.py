"""The regions of the setup file's buckets."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import World, story
from isthmus.operation import Settings
from isthmus.server.setup import apply
from isthmus.server.setup_fields import InvalidSetup
from isthmus.server.setup_file import parse_setup

TEXT = """
accounts:
  - id: "111122223333"
    buckets: [{name: at-home}, {name: far-away, region: ap-south-2}]
"""


@story
async def test_a_bucket_without_a_region_gets_the_servers_own(world: World) -> None:
    world.system.settings = Settings(region="eu-west-1")
    await apply(parse_setup(TEXT, Path()), world.system)
    rows = await world.system.identity.fetch_all("SELECT name, region FROM buckets ORDER BY name")
    assert [tuple(row) for row in rows] == [("at-home", "eu-west-1"), ("far-away", "ap-south-2")]


def test_a_region_that_is_none_is_refused_before_anything_is_made() -> None:
    with pytest.raises(InvalidSetup, match="line 4: `region` is 'mars'"):
        parse_setup(TEXT.replace("ap-south-2", "mars"), Path())
