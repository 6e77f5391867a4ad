"""What users of crmsh complain of most, one test each: hashell does better. Numbers are those of the list of pains."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hashell.client.shadow import FileShadows
from hashell.client.shelf import FileShelf
from hashell.errors import Refused, Usage
from hashell.grammar.complete import complete
from hashell.grammar.words import glue
from hashell.main import main
from hashell.outcomes import Listing, Planned, Said, StatusReport, Table
from hashell.session import Options, Stayed
from hashell.views.render import render, theme_of
from hashelld.cib.lang.format import format_cib
from hashelld.model.resource import Primitive, Tag, value_of
from tests.shell.memory import Shell


Run = Callable[..., tuple[int, str, str]]
HEAVY = ("zmq", "rich", "prompt_toolkit", "pygments", "hashelld.policy.placing", "hashelld.policy.acting")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs hashell on a file; (exit code, output, messages)."""
    (tmp_path / "cib.crm").write_text(
        "node node1\nnode node2\nproperty stonith-enabled=false\n"
        "primitive web systemd:nginx\nprimitive db systemd:postgresql\n"
    )

    def hashell(*words: str) -> tuple[int, str, str]:
        code = main(["--cib", str(tmp_path / "cib.crm"), *words])
        return (code, *capsys.readouterr())

    return hashell


def said(shell: Shell, line: str) -> Said:
    found = shell.run(line)
    assert isinstance(found, Said)
    return found


def offered(line: str, shell: Shell | None = None) -> list[str]:
    return [one.text for one in complete(line, len(line), (shell or Shell()).session)]


def test_01_slow_because_every_call_loads_everything() -> None:
    """Help and completion cost a fraction of a second of processor time, and load neither libzmq nor the policy."""
    for words in (
        ("help",),
        ("help", "configure", "primitive"),
        ("--cib", "/dev/null", "--complete", "resource stop w"),
    ):
        code = "import sys; from hashell.main import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        loaded = set(done.stderr.split())
        assert not {
            name for name in loaded if name.startswith(("zmq", "rich", "prompt_toolkit", "hashelld.policy.plac"))
        }
        assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


def test_02_completion_has_gaps_and_noise() -> None:
    assert {"node1", "node2", "node3"} <= set(offered("configure location l web 100: "))
    assert {"inf:", "-inf:"} <= set(offered("configure location l web "))
    assert offered("configure property no-quorum-policy=fr") == ["no-quorum-policy=freeze"]
    assert offered("configure primitive x We") == ["ocf:test:Web"]
    assert "port=" in offered("configure primitive x ocf:test:Web params ")
    assert offered("nosuch ") == []
    assert offered("resource stop --wait w") == ["web"]
    shell = Shell()
    assert all(one.description for one in complete("resource ", 9, shell.session))


def test_03_destruction_is_one_abbreviation_away() -> None:
    shell = Shell()
    for line in ("configure er", "configure eras --yes", "configure del web", "node fen node2", "resource sto web"):
        with pytest.raises(Usage):
            shell.run(line)
    with pytest.raises(Refused, match=r"Delete \d objects\? 4 of them are resources"):
        shell.run("configure erase")
    shell.enter("configure")
    shell.run("erase --yes")
    shell.run("undo")
    assert not shell.session.is_dirty
    assert shell.client.entries == []


def test_04_questions_hang_or_crash_scripts() -> None:
    shell = Shell()
    for line in ("configure erase", "node fence node2", "configure rsctest web", "cluster stop --all"):
        with pytest.raises(Refused, match="--yes"):
            shell.run(line)
    assert said(shell, "resource meta web set prioritty 5").warnings
    assert shell.questions == []


def test_05_force_is_all_or_nothing(run: Run) -> None:
    shell = Shell(options=Options(yes=True))
    with pytest.raises(Refused, match="--force lets this pass"):
        shell.run("configure primitive x ocf:test:Web")
    shell.session.options.force = True
    assert said(shell, "configure primitive x ocf:test:Web").warnings
    for wrong in ("configure location l nosuch 5: node1", "configure property no-quorum-policy=perhaps"):
        with pytest.raises(Refused):
            shell.run(wrong)


def test_06_colours_and_warnings_break_pipes(run: Run) -> None:
    code, out, err = run("resource", "meta", "web", "set", "prioritty", "5")
    assert code == 0
    assert "prioritty" in err
    assert "warning" not in out
    for words in (("status",), ("configure", "show"), ("node", "show")):
        assert "\x1b" not in run(*words)[1]


def test_07_there_is_no_json(run: Run) -> None:
    body = json.loads(run("--json", "status")[1])
    assert body["schema"] == 1
    assert [one["resource"] for one in body["instances"]] == ["web", "db"]
    assert json.loads(run("configure", "property", "--json")[1])["type"] == "table"


@pytest.mark.parametrize(
    "line",
    [
        "configure group g web nosuch",
        "configure delete db nosuch",
        "configure modgroup g add nosuch",
        "status bogus",
        "resource stop web nosuch",
        "configure clone c nosuch",
    ],
)
def test_08_exit_status_0_on_partial_failure(run: Run, tmp_path: Path, line: str) -> None:
    before = (tmp_path / "cib.crm").read_text()
    code, out, err = run(*line.split())
    assert code in (1, 2)
    assert out == ""
    assert err.startswith("error: ")
    assert (tmp_path / "cib.crm").read_text() == before


def test_09_concurrent_changes_overwrite_or_abort() -> None:
    one, other = Shell(), Shell()
    other.client = other.session.client = one.client
    for shell in (one, other):
        shell.enter("configure")
    one.run("set web.port 81")
    other.run("primitive more ocf:test:Dummy")
    one.run("commit")
    other.run("commit")
    assert one.client.cib.find("more") is not None
    assert "port=81" in format_cib(one.client.cib)
    one.run("set web.port 82")
    other.run("set web.port 83")
    one.run("commit")
    with pytest.raises(Refused, match=r"web, theirs:[\s\S]*port=82[\s\S]*web, yours:[\s\S]*port=83"):
        other.run("commit")
    assert other.session.is_dirty


def test_10_configuration_is_rewritten_in_silence() -> None:
    shell = Shell()
    assert "web-prefers-node1" in said(shell, "configure group site web").warnings[0]
    shell.run("configure rsc_template small ocf:test:Dummy")
    shell.run("configure primitive x @small")
    with pytest.raises(Refused, match="small is used by 'x'"):
        shell.run("configure delete small")
    shell.run("configure tag both: web cache")
    shell.run("configure rename web www")
    tag = shell.client.cib.find("both")
    assert isinstance(tag, Tag)
    assert tag.members == ("www", "cache")
    assert "www" in str(shell.client.cib.find("site"))


def test_11_leaving_configure_loses_the_work(tmp_path: Path) -> None:
    shell = Shell(answers=True)
    shell.session.shelf = FileShelf(tmp_path / "draft")
    shell.session.on_leave = lambda: False
    shell.enter("configure")
    shell.run("set web.port 81")
    with pytest.raises(Stayed):
        shell.run("up")
    assert shell.session.is_dirty
    later = Shell(answers=True)
    later.session.shelf = FileShelf(tmp_path / "draft")
    assert "resume goes on with it" in said(later, "configure").text
    later.run("resume")
    assert isinstance(later.run("diff"), Listing)


def test_12_errors_point_at_the_wrong_word() -> None:
    with pytest.raises(Refused) as caught:
        Shell().run("configure order o Bogus: web cache")
    lines = str(caught.value).splitlines()
    shown = next(at for at, line in enumerate(lines) if "Bogus:" in line and "│" in line)
    assert lines[shown + 1].index("^") == lines[shown].index("Bogus:")
    assert str(caught.value).count("Bogus") <= 2
    with pytest.raises(Usage, match="did you mean 'web'"):
        Shell().run("resource stop wbe")
    with pytest.raises(Usage, match="did you mean 'primitive'"):
        Shell().run("configure primitve x ocf:test:Dummy")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("property no-quorum-policy=perhaps", "no-quorum-policy"),
        ("primitive x ocf:test:Web", "port"),
        ("primitive x ocf:test:Web params port=1 prot=2", "did you mean 'port'"),
        ("primitive x ocf:test:Web params port=many", "port"),
        ("primitive x ocf:test:Nothing", "ocf:test:Nothing"),
        ("location l web 5: node9", "node9"),
    ],
)
def test_13_validation_is_late_or_missing(tmp_path: Path, text: str, told: str) -> None:
    """The same is found on every path: typed, loaded, applied."""
    file = tmp_path / "x.crm"
    file.write_text(f"{text}\n")
    answers = []
    for line in (f"configure {text}", f"configure load update {file}", f"configure apply {file}"):
        shell = Shell()
        try:
            answers.append("\n".join(said(shell, line).warnings))
        except Refused as refused:
            answers.append(f"refused: {refused}")
            assert shell.client.entries == []
    assert all(told in answer for answer in answers), answers
    assert len({answer.startswith("refused") for answer in answers}) == 1


@pytest.mark.parametrize("value", ["C:\\dir", "it's", 'a"b', "grün", "${x}", "a  b", "", "#x", "$HOME `x` !"])
def test_14_quoting_and_characters_are_damaged(run: Run, tmp_path: Path, value: str) -> None:
    assert run("node", "attribute", "node1", "set", "note", value)[0] == 0
    assert json.loads(run("--json", "node", "attribute", "node1", "show")[1])["rows"] == [
        {"name": "note", "value": value}
    ]
    text = run("configure", "show")[1]
    (tmp_path / "saved.crm").write_text(text)
    assert run("configure", "load", "replace", str(tmp_path / "saved.crm"))[0] == 0
    assert run("configure", "show")[1] == text


def test_14_a_masked_password_is_never_stored() -> None:
    shell = Shell(options=Options(shows_secrets=False, force=True))
    shell.run("configure primitive x ocf:test:Web params port=1 password=geheim")
    shown = shell.run("configure show x")
    assert isinstance(shown, Listing)
    assert "geheim" not in shown.text
    with pytest.raises(Refused, match="in place of a secret"):
        shell.run("configure " + glue(shown.text.splitlines()).replace("primitive x", "primitive y"))


def test_14_values_are_obscured_by_the_pattern_of_their_names(tmp_path: Path) -> None:
    shell = Shell(options=Options(force=True))
    shell.run("configure primitive x ocf:test:Web params port=1 password=geheim")
    for words, hidden, open_ in (("obscure:po*", "port=", "geheim"), ("xml x obscure:passw*", "geheim", 'value="1"')):
        shown = shell.run(f"configure show {words}")
        assert isinstance(shown, Listing)
        assert hidden not in shown.text.replace('port="******"', "")
        assert open_ in shown.text
    path = tmp_path / "x.crm"
    shell.run(f"configure save {path} x obscure:port")
    assert 'port="******"' in path.read_text()
    assert "geheim" in path.read_text()
    with pytest.raises(Refused, match="in place of a secret"):
        shell.run(f"configure load update {path}")


def test_14_a_password_is_printed_nowhere_at_a_terminal(tmp_path: Path) -> None:
    shell = Shell(options=Options(shows_secrets=False, force=True))
    shell.run("configure primitive x ocf:test:Web params port=1 password=geheim")
    (tmp_path / "x.crm").write_text("primitive x ocf:test:Web params port=1 password=anders\n")
    shell.session.shadows = FileShadows(tmp_path / "shadows")
    for line in (
        "configure show xml x",
        f"configure apply {tmp_path}/x.crm --dry-run",
        "resource param x show",
        "resource param x set password anders",
        "configure set x.password geheim",
        "resource ban x node1 --dry-run",
        "node attribute node1 set token geheim",
        "node show",
        "node attribute node1 show",
        "history log",
        "history diff -1",
        "cib new s",
        "configure set x.password anders",
        "cib diff",
        "cib preview",
    ):
        text = "\n".join(render(shell.run(line), theme_of(sys.stdout, is_tty=False)))
        assert "geheim" not in text, line
        assert "anders" not in text, line
        assert line != "cib diff" or "(another one)" in text
    assert "geheim" in shell.client.entries[0].edits[0].object.params[0].pairs[1].value  # type: ignore[union-attr, operator]


def test_14_a_conflict_does_not_print_passwords() -> None:
    one, other = Shell(options=Options(force=True)), Shell(options=Options(force=True))
    other.client = other.session.client = one.client
    one.run("configure primitive x ocf:test:Web params port=1 password=geheim")
    other.enter("configure")
    other.run("set x.password anders")
    one.run("configure set x.password neu")
    with pytest.raises(Refused, match="another one") as refused:
        other.run("commit")
    assert not any(secret in str(refused.value) for secret in ("geheim", "anders", "neu"))
    assert "neu" not in one.client.entries[-1].author.command  # type: ignore[union-attr]


def test_15_bans_are_left_behind_by_a_move() -> None:
    shell = Shell("node node1\nnode node2\nproperty stonith-enabled=false\nrsc_defaults resource-stickiness=10\n"
                  "primitive web ocf:test:Dummy\n")  # fmt: skip
    shell.run("resource move web node2")
    assert shell.client.cib.constraints == ()
    shell.run("resource ban web node1")
    report = shell.run("status")
    assert isinstance(report, StatusReport)
    assert [left.constraint for left in report.leftovers] == ["cli-ban-web-on-node1"]
    shell.run("resource clear web")
    assert shell.client.cib.constraints == ()


def test_16_deleting_what_runs_is_a_dance() -> None:
    """One command: the cluster stops what is gone; nothing is deleted by halves."""
    shell = Shell()
    with pytest.raises(Refused, match="web-prefers-node1"):
        shell.run("configure delete web")
    shell.enter("configure")
    shell.run("delete web --cascade")
    preview = shell.run("commit --dry-run")
    assert isinstance(preview, Planned)
    assert [(one.verb, one.resource) for one in preview.changes] == [("stop", "web")]
    shell.run("commit --wait")
    located = shell.run("resource locate")
    assert isinstance(located, Table)
    assert [row[0] for row in located.rows if row[1] != "nowhere"] == ["cache", "queue"]


def test_17_single_values_and_automation_are_awkward(tmp_path: Path) -> None:
    shell = Shell()
    shell.run("configure set web.monitor.timeout 30s")
    shell.run("configure unset web.monitor.timeout")
    (tmp_path / "web.crm").write_text("primitive web ocf:test:Web params port=99\n")
    assert said(shell, f"configure apply {tmp_path}/web.crm").data["changed"] is True
    assert said(shell, f"configure apply {tmp_path}/web.crm").data["changed"] is False
    found = shell.client.cib.find("web")
    assert isinstance(found, Primitive)
    assert value_of(found.params, "port") == "99"


def test_18_standby_and_maintenance_are_inconsistent() -> None:
    for verb in ("standby", "maintenance"):
        shell = Shell()
        assert isinstance(shell.run(f"node {verb} node1 node2 --dry-run"), Planned)
        shell.run(f"node {verb} node1 node2 for 30min")
        assert len(shell.client.entries) == 1
        shell.run(f"node {verb} --all off")
        table = shell.run("node show")
        assert isinstance(table, Table)
        assert {row[1] for row in table.rows} == {"online"}


def test_19_nothing_can_be_read_without_a_running_cluster(run: Run) -> None:
    assert run("configure", "verify")[0] == 0
    assert run("configure", "preview")[0] == 0
    assert run("--complete", "resource stop w")[1].startswith("web\t")
    code, out, _err = run("status")
    assert code == 0
    assert "is a file" in out


def test_20_history_scrapes_logs() -> None:
    shell = Shell()
    shell.run("configure set web.port 81")
    shell.run("resource stop cache")
    log = shell.run("history log")
    assert isinstance(log, Table)
    assert [row[2:] for row in log.rows] == [("adam", "node1", "set web"), ("adam", "node1", "set cache")]
    listing = shell.run("history diff -2")
    assert isinstance(listing, Listing)
    assert "+\tparams port=81" in listing.text
    assert isinstance(shell.run("history resource cache --since 1h"), Table)
