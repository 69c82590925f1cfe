"""Where a setting comes from, and what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.server.configuration import Configuration, InvalidConfiguration, load_configuration


def test_an_option_goes_before_the_environment_before_the_file_before_the_default(tmp_path: Path) -> None:
    file = tmp_path / "isthmus.toml"
    file.write_text('region = "eu-west-1"\nlisten = "127.0.0.1:1"\nworkers = 3\ntrusted-proxies = ["10.0.0.0/8"]\n')
    environ = {"ISTHMUS_LISTEN": "127.0.0.1:2", "ISTHMUS_WORKERS": "4", "ISTHMUS_CONFIG": str(file), "HOME": "/"}
    loaded = load_configuration({"workers": 5}, environ)
    assert (loaded.region, loaded.listen, loaded.workers) == ("eu-west-1", "127.0.0.1:2", 5)
    assert loaded.trusted_proxies == ("10.0.0.0/8",)
    assert loaded.durability == "full"
    assert load_configuration({}, {}) == Configuration()
    assert load_configuration({}, environ, config_file=None).worker_count == 4


def test_lists_are_comma_separated_in_the_environment() -> None:
    loaded = load_configuration({}, {"ISTHMUS_DOMAIN": "S3.Company.example, localhost,"})
    assert loaded.domain == ("s3.company.example", "localhost")


def test_seconds_are_numbers_wherever_they_come_from(tmp_path: Path) -> None:
    file = tmp_path / "isthmus.toml"
    file.write_text("access_log_seconds = 60\n")
    assert load_configuration({}, {}, file).access_log_seconds == 60
    assert load_configuration({}, {"ISTHMUS_ACCESS_LOG_SECONDS": "1.5"}, file).access_log_seconds == 1.5
    assert load_configuration({}, {}).access_log_seconds == 300


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"listen": "9000"}, "listen is '9000'; it must be HOST:PORT"),
        ({"listen": "localhost:http"}, "it must be HOST:PORT"),
        ({"listen": "localhost:70000"}, "it must be HOST:PORT"),
        ({"workers": "many"}, "workers is 'many'; it must be a whole number"),
        ({"workers": -1}, "workers must be 0"),
        ({"data": ""}, "data must name a directory"),
        ({"durability": "maybe"}, "it must be full or relaxed"),
        ({"tls_cert": "a.pem"}, "TLS needs both"),
        ({"metadata": "postgresql://db/isthmus"}, "--metadata is not supported"),
        ({"bytes": "s3://elsewhere"}, "--bytes is not supported"),
        ({"access_log_seconds": "soon"}, "access_log_seconds is 'soon'; it must be a number"),
        ({"access_log_seconds": 0}, "access_log_seconds must be above 0"),
        ({"access_log_seconds": "nan"}, "access_log_seconds must be above 0"),
        ({"access_log_seconds": 1e9}, "access_log_seconds must be above 0 and at most"),
        ({"trusted_proxies": ("the-proxy",)}, "trusted_proxies: 'the-proxy' does not appear to be an IPv4"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_in_one_line(options: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidConfiguration) as refusal:
        load_configuration(options, {})
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("colour = 1", "unknown setting 'colour'"), ("region = ", "is not TOML"), (None, "cannot read")],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "isthmus.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InvalidConfiguration) as refusal:
        load_configuration({}, {}, file)
    assert str(file) in str(refusal.value)
    assert said in str(refusal.value)
