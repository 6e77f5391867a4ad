"""The cluster key: generated once, guarded by its mode, rolled over by a second line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import zmq

from hashelld.io.keys import KEY_BYTES, KeyFileError, derive, generate, load
from hashelld.limits import BEAT_TAG_BYTES


def write(path: Path, text: str, mode: int = 0o600) -> str:
    path.touch(mode)
    path.chmod(mode)
    path.write_text(text)
    return str(path)


def test_a_generated_key_loads(tmp_path: Path) -> None:
    path = str(tmp_path / "key")
    generate(path)
    assert Path(path).stat().st_mode & 0o777 == 0o600
    (key,) = load((path,))
    assert zmq.curve_public(key.curve_secret) == key.curve_public
    assert len(key.tag("n", b"x")) == BEAT_TAG_BYTES
    assert key.curve_secret.decode() not in repr(key)


def test_an_existing_key_is_not_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path / "key", "precious")
    with pytest.raises(KeyFileError, match="not overwritten"):
        generate(path)
    assert Path(path).read_text() == "precious"


def test_a_symlink_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError):
        generate(str(tmp_path / "link"))


def test_several_keys_keep_their_order(tmp_path: Path) -> None:
    lines = [f"{chr(66 + at) * 43}=" for at in range(3)]
    one = write(tmp_path / "a", f"# active\n{lines[0]}\n\n{lines[1]}\n")
    two = write(tmp_path / "b", f"{lines[2]}\n{lines[0]}\n")
    loaded = load((one, two))
    assert len(loaded) == 3
    assert loaded[0] == load((write(tmp_path / "c", lines[0]),))[0]


def test_the_tag_depends_on_key_receiver_and_payload() -> None:
    key = derive(b"k" * KEY_BYTES)
    tag = key.tag("node1", b"payload")
    assert key.fits("node1", b"payload", tag)
    assert not key.fits("node2", b"payload", tag)
    assert not key.fits("node1", b"payloae", tag)
    assert not key.fits("node1", b"payload", b"")
    assert not derive(b"o" * KEY_BYTES).fits("node1", b"payload", tag)


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("A" * 43 + "=", 0o640, "chmod 600"),
        ("A" * 43 + "=", 0o604, "chmod 600"),
        ("", 0o600, "holds no key"),
        ("# nothing\n", 0o600, "holds no key"),
        ("short", 0o600, ":1: not a key"),
        ("\n!!!", 0o600, ":2: not a key"),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0o600, "not a key"),
        ("x" * 5000, 0o600, "one short line"),
        ("\n".join(f"{chr(66 + at) * 43}=" for at in range(5)), 0o600, "at most 4"),
    ],
)
def test_a_bad_key_file_is_explained(tmp_path: Path, text: str, mode: int, said: str) -> None:
    with pytest.raises(KeyFileError, match=said):
        load((write(tmp_path / "key", text, mode),))


def test_a_missing_file_and_a_fifo(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="hashelld keygen"):
        load((str(tmp_path / "none"),))
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(KeyFileError, match="not a regular file"):
        load((str(tmp_path / "fifo"),))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_foreign_owner_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "key", "B" * 43 + "=")
    os.chown(path, 12345, -1)
    with pytest.raises(KeyFileError, match="12345"):
        load((path,))
