"""References to secrets, as the shell treats them: shown, checked, and never taken for the secret itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashell.client.port import AgentCall, Ended
from hashell.client.programs import LocalPrograms
from hashell.client.secret_files import keep_secret, read_secret, secret_flaw, secrets_dir
from hashell.errors import Refused
from hashell.outcomes import Listing, Said, Table
from hashell.session import Options
from hashelld.model.secret import SecretRefused, told
from tests.shell.memory import WEB, Shell


SECRET = WEB + "primitive safe ocf:test:Web params port=1 password=secret:bmc\n"
MISSING = {"bmc": "/etc/hashell/secrets/bmc: No such file or directory"}


def test_a_reference_is_shown_where_secrets_are_stars() -> None:
    shell = Shell(SECRET + "primitive other ocf:test:Web params port=1 password=geheim\n")
    shell.session.options = Options(shows_secrets=False)
    shown = shell.run("configure show")
    assert isinstance(shown, Listing)
    assert 'password="secret:bmc"' in shown.text or "password=secret:bmc" in shown.text
    assert "geheim" not in shown.text
    values = shell.run("resource param safe show password")
    assert isinstance(values, Table)
    assert values.rows == (("password", "secret:bmc"),)


def test_the_log_of_commands_keeps_a_reference_and_no_secret() -> None:
    shell = Shell(SECRET, options=Options(force=True))
    shell.run("resource param safe set password secret:other")
    shell.run("resource param safe set password geheim")
    commands = [entry.author.command for entry in shell.client.entries if entry.author is not None]
    assert commands == ["resource param safe set password secret:other", "resource param safe set password ******"]


def test_health_tells_of_a_secret_that_is_missing_here() -> None:
    shell = Shell(SECRET)
    shell.programs.flaws = MISSING
    found = shell.run("cluster health")
    assert isinstance(found, Table)
    (row,) = [row for row in found.rows if "secret" in row[1]]
    assert row[0] == "problem"
    assert "No such file" in row[1]
    assert "safe's password" in row[1]


def test_verify_and_commit_tell_of_it_too() -> None:
    shell = Shell(SECRET.replace("password", "page"))
    shell.programs.flaws = MISSING
    said = shell.run("configure verify")
    assert isinstance(said, Said)
    assert any("No such file" in warning for warning in said.warnings)
    said = shell.run("configure primitive safe2 ocf:test:Web params port=1 page=secret:bmc")
    assert isinstance(said, Said)
    assert any("safe2" in warning and "No such file" in warning for warning in said.warnings)
    assert not any("safe:" in warning for warning in said.warnings)


def test_what_is_no_name_is_refused_unless_forced() -> None:
    with pytest.raises(Refused, match="names no secret"):
        Shell(SECRET).run("configure primitive safe2 ocf:test:Web params port=1 password=secret:../../etc/shadow")


def test_the_files_of_this_machine(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    file = folder / "bmc"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    assert read_secret("bmc", str(folder)) == "s3cret"
    assert secret_flaw("bmc", str(folder)) == ""
    assert "No such file" in secret_flaw("nosuch", str(folder))
    assert "names no secret" in secret_flaw("../bmc", str(folder))
    file.write_text("a\nb\n")
    assert "one line" in secret_flaw("bmc", str(folder))
    file.chmod(0o644)
    assert "chmod 0600" in secret_flaw("bmc", str(folder))


def test_where_they_are_says_the_daemons_file(tmp_path: Path) -> None:
    config = tmp_path / "hashelld.toml"
    assert secrets_dir(str(config)) == "/etc/hashell/secrets"
    config.write_text("[agents]\nsecrets = 'own'\n")
    assert secrets_dir(str(config)) == str(tmp_path / "own")
    config.write_text("not toml at all [")
    assert secrets_dir(str(config)) == "/etc/hashell/secrets"


def test_an_agent_that_is_run_by_hand_without_its_secret() -> None:
    call = AgentCall(command=("/bin/echo",), environment={"OCF_RESKEY_password": "secret:no-such-secret-anywhere"})
    ended = LocalPrograms().run_agent(call)
    assert ended.code is None
    assert "no-such-secret-anywhere" in ended.err


def test_what_an_agent_says_does_not_repeat_it() -> None:
    meant = told({"p": "secret:a"}, "action=off\npassword=secret:b\n", {"a": "alpha!", "b": "beta!"}.__getitem__)
    assert meant.environment == {"p": "alpha!"}
    assert meant.stdin == "action=off\npassword=beta!\n"
    assert meant.without_secrets("alpha! and beta!") == "****** and ******"
    with pytest.raises(SecretRefused):
        told({"p": "secret:a"}, "", lambda _name: (_ for _ in ()).throw(SecretRefused("no")))


def test_a_value_is_stashed_on_all_nodes_before_the_configuration_changes() -> None:
    shell = Shell(WEB, options=Options(yes=True))
    shell.programs.answers["node3:/secrets/web-port"] = Ended(code=1, err="no route to host")
    with pytest.raises(Refused, match="not changed:\nnode3: no route to host"):
        shell.run("resource secret web stash port")
    assert "port=80" in shell.run("configure show web").text  # type: ignore[union-attr]
    shell.programs.answers.clear()
    said = shell.run("resource secret web stash port")
    assert isinstance(said, Said)
    assert said.text == "port of web is secret:web-port."
    assert any("history still contain it" in warning for warning in said.warnings)
    assert shell.programs.kept == {"web-port": "80"}
    assert [words[-1] for words in shell.programs.ran if words[0] == "scp"][-2:] == [
        "node2:/secrets/web-port",
        "node3:/secrets/web-port",
    ]
    assert not any("80" in word for words in shell.programs.ran for word in words)
    with pytest.raises(Refused, match="already"):
        shell.run("resource secret web stash port")


def test_a_stashed_value_is_checked_and_put_back() -> None:
    shell = Shell(WEB, options=Options(yes=True))
    shell.run("resource secret web stash port")
    table = shell.run("resource secret web check")
    assert isinstance(table, Table)
    assert table.rows == (("port", "web-port", "fine"),)
    shell.programs.flaws = {"web-port": "chmod 0600 it"}
    with pytest.raises(Refused, match="chmod 0600"):
        shell.run("resource secret web check")
    shell.programs.flaws = {}
    shell.run("resource secret web unstash port")
    assert "port=80" in shell.run("configure show web").text  # type: ignore[union-attr]
    with pytest.raises(Refused, match="refers to no secret"):
        shell.run("resource secret web unstash port")
    with pytest.raises(Refused, match="no parameter 'nosuch'"):
        shell.run("resource secret web stash nosuch")


def test_nobody_stashes_unasked() -> None:
    shell = Shell()
    with pytest.raises(Refused, match="Write port of web into a file of this machine and of node2, node3"):
        shell.run("resource secret web stash port")
    assert shell.programs.kept == {}


def test_a_secret_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "secrets"
    assert keep_secret("bmc", "s3cret", str(folder)) == (str(folder / "bmc"), "")
    assert keep_secret("bmc", "s3cret2", str(folder))[1] == ""
    assert read_secret("bmc", str(folder)) == "s3cret2"
    assert (folder / "bmc").stat().st_mode & 0o777 == 0o600
    assert [one.name for one in folder.iterdir()] == ["bmc"]
    assert "names no secret" in keep_secret("../bmc", "x", str(folder))[1]
    assert "one line" in keep_secret("two", "a\nb", str(folder))[1]
    (tmp_path / "file").touch()
    assert "file" in keep_secret("bmc", "x", str(tmp_path / "file"))[1]
