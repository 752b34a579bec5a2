"""Settings of the durable copy: a folder or a store, and never a credential."""

from pathlib import Path

import pytest

from mission_control.configuration.settings import load_settings
from mission_control.durable_copy.model import S3Address
from mission_control.errors import ConfigurationError

COPY = "MISSION_CONTROL_DURABLE_COPY"


@pytest.fixture
def least(fleet_file, tmp_path) -> dict[str, str]:
    """Return the least environment that loads, with a root."""
    root = tmp_path / "root"
    return {"MISSION_CONTROL_FLEET_FILE": str(fleet_file), "MISSION_CONTROL_ROOT": str(root)}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        pytest.param("/mnt/copy", Path("/mnt/copy"), id="folder"),
        pytest.param("s3://bucket", S3Address("bucket"), id="bucket"),
        pytest.param("s3://my.bucket-1/", S3Address("my.bucket-1"), id="slash"),
        pytest.param("s3://bucket/floor/one/", S3Address("bucket", "floor/one"), id="prefix"),
    ],
)
def test_a_place_is_understood(least, text, meant):
    """A folder of a mount or a place in a store, shown as it will be named in reports."""
    settings = load_settings({**least, COPY: text})

    assert meant == settings.durable_copy
    assert str(meant) == settings.shown()["durable_copy"]


def test_nothing_is_configured_by_itself(least):
    """Without a setting there is no durable copy."""
    settings = load_settings(least)

    assert (None, "", "us-east-1") == (
        settings.durable_copy,
        settings.shown()["durable_copy"],
        settings.durable_copy_region,
    )


def test_what_a_store_needs_is_read_and_its_credentials_are_not(least, tmp_path):
    """Endpoint, region and the file's name are settings; nothing of the file's content is."""
    file = tmp_path / "credentials"
    file.write_text("aws_secret_access_key=hunter2\n")
    environ = {
        **least,
        COPY: "s3://bucket/floor",
        f"{COPY}_ENDPOINT": "https://minio.internal:9000/",
        f"{COPY}_REGION": "eu-west-3",
        f"{COPY}_CREDENTIALS_FILE": str(file),
    }
    before = load_settings(environ)
    file.write_text("aws_secret_access_key=hunter3\n")
    after = load_settings(environ)

    assert ("https://minio.internal:9000", "eu-west-3", file) == (
        before.durable_copy_endpoint,
        before.durable_copy_region,
        before.durable_copy_credentials_file,
    )
    assert before.config_digest == after.config_digest
    assert "hunter" not in repr(before) + str(before.shown())
    assert before.config_digest != load_settings({**environ, COPY: "s3://other"}).config_digest


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        pytest.param(COPY, "s3://", "no place for a copy", id="no bucket"),
        pytest.param(COPY, "s3://B_cket/x", "no place for a copy", id="no bucket's name"),
        pytest.param(COPY, "s3://a..b/x", "no place for a copy", id="dots"),
        pytest.param(COPY, "s3://bucket/../x", "no place for a copy", id="upwards"),
        pytest.param(COPY, "s3://bucket/a//x", "no place for a copy", id="an empty part"),
        pytest.param(COPY, "s3://me:hunter2@bucket/x", "no place for a copy", id="credentials"),
        pytest.param(COPY, "gs://bucket/x", "no place for a copy", id="another store"),
        pytest.param(COPY, "{root}", "lies within the root", id="the root"),
        pytest.param(COPY, "{root}/audit_artifacts/copy", "lies within the root", id="within it"),
        pytest.param(f"{COPY}_ENDPOINT", "minio:9000", "no address of a store", id="no scheme"),
        pytest.param(f"{COPY}_ENDPOINT", "ftp://h", "no address of a store", id="scheme"),
        pytest.param(f"{COPY}_ENDPOINT", "https://", "no address of a store", id="no host"),
        pytest.param(f"{COPY}_ENDPOINT", "https://h:0", "no address of a store", id="port 0"),
        pytest.param(f"{COPY}_ENDPOINT", "https://h:x", "no address of a store", id="no port"),
        pytest.param(
            f"{COPY}_ENDPOINT", "https://me:hunter2@h", "no address of a store", id="userinfo"
        ),
        pytest.param(
            f"{COPY}_ENDPOINT", "https://h/?key=hunter2", "no address of a store", id="query"
        ),
        pytest.param(f"{COPY}_REGION", "US East", "is no region", id="region"),
    ],
)
def test_what_is_no_place_is_refused_without_repeating_credentials(least, name, text, problem):
    """A bad setting is named with its variable and its remedy."""
    place = {} if name == COPY else {COPY: "s3://bucket"}
    text = text.format(root=least["MISSION_CONTROL_ROOT"])
    with pytest.raises(ConfigurationError) as refused:
        load_settings({**least, **place, name: text})

    assert name == refused.value.where
    assert problem in str(refused.value)
    assert refused.value.remedy
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["ENDPOINT", "CREDENTIALS_FILE"])
def test_what_only_a_store_needs_is_refused_for_a_folder(least, name):
    """An endpoint beside a folder is a mistake, and is refused."""
    with pytest.raises(ConfigurationError, match="only for a durable copy in an S3 store"):
        load_settings({**least, COPY: "/mnt/copy", f"{COPY}_{name}": "https://h"})
