"""The files that found a cluster: hashelld.toml and the cluster key, made here and handed on in a join token."""

from __future__ import annotations

import os
import tomllib
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from pathlib import Path

import msgspec

from hashell.errors import Refused


CONFIG_NAME = "hashelld.toml"
KEY_NAME = "cluster.key"
KEY_BYTES = 32
DEFAULT_DIR = "/etc/hashell"
DEFAULT_PORT = 5409
TOKEN_PREFIX = "hashell1-"  # noqa: S105 - it says what the token is, and of which form
TOKEN_LENGTH_MAX = 200_000


class Member(msgspec.Struct, frozen=True):
    """A node and its addresses, one for each link."""

    name: str
    addresses: tuple[str, ...]
    is_arbiter: bool = False
    """It votes and runs nothing."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a further node needs: hashelld.toml without the part about the node itself, and the key. A secret."""

    toml: str
    key: str


def config_text(*, cluster: str, members: tuple[Member, ...], port: int, folder: Path, own: str) -> str:
    """A hashelld.toml for one node; two nodes without an arbiter get two_node."""
    nodes = "\n".join(
        f"[[nodes]]\nname = {_quoted(m.name)}\naddresses = [{', '.join(map(_quoted, m.addresses))}]\n"
        + "arbiter = true\n" * m.is_arbiter
        for m in members
    )
    quorum = "\n[quorum]\ntwo_node = true\n" if len(members) == 2 and not any(m.is_arbiter for m in members) else ""
    return (
        f"{node_part(own)}\n"
        f"[cluster]\nname = {_quoted(cluster)}\nkey = {_quoted(str(folder / KEY_NAME))}\nport = {port}\n\n"
        f"{nodes}{quorum}"
    )


def with_member(toml: str, member: Member) -> str:
    """A hashelld.toml that names one more node; `Refused` where it does already. two_node is for two."""
    known = names_in(toml)
    if member.name.casefold() in (name.casefold() for name in known):
        raise Refused(f"{CONFIG_NAME} names {member.name} already.")
    if "[[nodes]]" not in toml:
        raise Refused(f"{CONFIG_NAME} names its nodes in another way than by tables [[nodes]]: add it by hand.")
    kept = [line for line in toml.splitlines() if len(known) < 2 or line.partition("=")[0].strip() != "two_node"]
    addresses = ", ".join(map(_quoted, member.addresses))
    entry = f"\n[[nodes]]\nname = {_quoted(member.name)}\naddresses = [{addresses}]\n"
    after = "\n".join(kept).rstrip("\n") + "\n" + entry
    assert names_in(after) == (*known, member.name)
    return after


def replace_config(path: Path, toml: str) -> None:
    """Write a hashelld.toml in the place of the one that is there, with its mode."""
    try:
        _write(path, toml, path.stat().st_mode & 0o777)
    except OSError as error:
        raise Refused(f"{error.filename or path}: {error.strerror}") from None


def node_part(own: str) -> str:
    """The part that differs from node to node."""
    return f"[node]\nname = {_quoted(own)}\n"


def without_node_part(toml: str) -> str:
    """The text without its table [node]."""
    kept: list[str] = []
    is_inside = False
    for line in toml.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            is_inside = line.strip().partition("#")[0].replace(" ", "").startswith("[node]")
        if not is_inside:
            kept.append(line)
    return "".join(kept).lstrip("\n")


def new_key() -> str:
    """A key file's text: 32 random bytes in base64."""
    return b64encode(os.urandom(KEY_BYTES)).decode() + "\n"


def make_token(toml: str, key: str) -> str:
    """The token of a cluster, in one word."""
    body = msgspec.json.encode(Token(toml=without_node_part(toml), key=key))
    return TOKEN_PREFIX + urlsafe_b64encode(body).decode().rstrip("=")


def read_token(text: str) -> Token:
    """The token's contents, or `Refused`."""
    word = "".join(text.split())
    if not word.startswith(TOKEN_PREFIX) or len(word) > TOKEN_LENGTH_MAX:
        raise Refused(f"That is no join token: it begins with {TOKEN_PREFIX} and is printed by cluster init.")
    body = word.removeprefix(TOKEN_PREFIX)
    try:
        token = msgspec.json.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=Token)
    except (NotBase64, msgspec.MsgspecError, UnicodeDecodeError):
        raise Refused("The join token is damaged: was all of it copied?") from None
    check_key(token.key)
    return token


def check_key(text: str) -> None:
    """`Refused` unless every line is a key."""
    lines = [line for line in text.split() if not line.startswith("#")]
    for line in lines:
        try:
            secret = b64decode(line, validate=True)
        except NotBase64:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise Refused("The token's cluster key is damaged.")
    if not lines:
        raise Refused("The token has no cluster key.")


def names_in(toml: str) -> tuple[str, ...]:
    """The names of the nodes in a hashelld.toml, or `Refused`."""
    try:
        nodes = tomllib.loads(toml).get("nodes", [])
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{CONFIG_NAME} is not TOML: {error}") from None
    return tuple(str(node["name"]) for node in nodes if isinstance(node, dict) and "name" in node)


def addresses_in(toml: str) -> dict[str, tuple[str, ...]]:
    """The addresses of the nodes in a hashelld.toml, by name; `Refused` when it is none."""
    names_in(toml)
    nodes = tomllib.loads(toml).get("nodes", [])
    return {str(one["name"]): tuple(map(str, one.get("addresses", ()))) for one in nodes if "name" in one}


def command_of(toml: str, own: str) -> str:
    """The command of hashelld that runs this node."""
    nodes = tomllib.loads(toml).get("nodes", [])
    return "arbiter" if any(node.get("name") == own and node.get("arbiter") is True for node in nodes) else "run"


def own_name_in(toml: str) -> str:
    """What a hashelld.toml says that this node is called; empty when it does not say."""
    try:
        node = tomllib.loads(toml).get("node", {})
    except tomllib.TOMLDecodeError:
        return ""
    return str(node.get("name", "")) if isinstance(node, dict) else ""


def moved_key(toml: str, folder: Path) -> str:
    """The text with the key file in another folder."""
    lines = [
        f"key = {_quoted(str(folder / KEY_NAME))}\n" if line.replace(" ", "").startswith("key=") else line
        for line in toml.splitlines(keepends=True)
    ]
    return "".join(lines)


def write_files(folder: Path, toml: str, key: str, *, replaces: bool) -> None:
    """Write both files, the key readable by its owner alone; existing ones are replaced only when it is said."""
    paths = {folder / KEY_NAME: (key, 0o600), folder / CONFIG_NAME: (toml, 0o644)}
    there = [str(path) for path in paths if path.exists()]
    if there and not replaces:
        raise Refused(f"{' and '.join(there)} exists already: nothing was written (--force replaces).")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, (text, mode) in paths.items():
            _write(path, text, mode)
    except OSError as error:
        raise Refused(f"{error.filename or folder}: {error.strerror}") from None


def _write(path: Path, text: str, mode: int) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _quoted(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's, too."""
    return msgspec.json.encode(text).decode()
