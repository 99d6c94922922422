"""What SAM built runs on Lambda's system."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

# Amazon Linux 2023, which `provided.al2023` is.
GLIBC = (2, 34)

pytestmark = pytest.mark.skipif("BOOTSTRAP" not in os.environ, reason="needs what sam build makes: run .ci/deploy")


@pytest.fixture
def bootstrap():
    return Path(os.environ["BOOTSTRAP"])


def test_it_is_a_program_for_x86_64(bootstrap):
    assert bootstrap.name == "bootstrap"
    assert bootstrap.stat().st_mode & stat.S_IXOTH
    head = bootstrap.read_bytes()[:20]
    assert head[:5] == b"\x7fELF\x02" and head[18:20] == b"\x3e\x00"


def test_it_needs_no_newer_libc_than_lambda_has(bootstrap):
    needed = re.findall(rb"GLIBC_(\d+)\.(\d+)", bootstrap.read_bytes())
    newest = max((int(major), int(minor)) for major, minor in needed)
    assert newest <= GLIBC, f"it needs glibc {newest}, and Lambda has {GLIBC}"


def test_nothing_else_is_packed(bootstrap):
    assert [file.name for file in bootstrap.parent.iterdir()] == ["bootstrap"]


def test_it_has_dynamodb(bootstrap, tmp_path):
    environment = {
        "GOAT_DYNAMODB_TABLE": "goats",
        "GOAT_LISTEN": "127.0.0.1:0",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    ended = subprocess.run([bootstrap], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    assert "no credentials" in ended.stderr, ended.stderr


def test_it_has_momento(bootstrap, tmp_path):
    environment = {"GOAT_STORE": "momento", "GOAT_LISTEN": "127.0.0.1:0"}
    ended = subprocess.run([bootstrap], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    # It misses the key, and not the feature: what the manifest says to build was built.
    assert "there is no Momento API key" in ended.stderr, ended.stderr
