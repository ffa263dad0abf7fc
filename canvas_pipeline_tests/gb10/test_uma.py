"""The cap on any machine, the teacher's slot, what people are shown, and the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from canvas_pipeline.cli import uma as command
from canvas_pipeline.defs.platform import uma_status
from canvas_pipeline.errors import BadConfig, MissingTool
from canvas_pipeline.gb10.admission import Claim, Headroom, Refused
from canvas_pipeline.gb10.host import GIB, Memory, gib, memory
from canvas_pipeline.gb10.ledger import since_boot
from canvas_pipeline.gb10.owner import owner
from canvas_pipeline.gb10.uma import UmaCap, default_ledger

SPARK = Memory(total=122 * GIB, available=110 * GIB)
LAPTOP = Memory(total=8 * GIB, available=5 * GIB)
PNG = b"\x89PNG"


def machine(root: Path, *, cgroup: str, files: dict[str, str]) -> Path:
    """A machine's files as they matter here: 64 GiB, 48 of them available."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: {64 << 20} kB\nMemFree: 1 kB\nMemAvailable: {48 << 20} kB\n")
    (root / "proc/self/cgroup").write_text(cgroup)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    found = memory(machine(tmp_path, cgroup="0::/user.slice\n", files={"user.slice/memory.max": "max\n"}))
    assert (found.total, found.available, found.limit) == (64 * GIB, 48 * GIB, "MemTotal")


def test_a_version_2_limit_counts_less_what_the_cache_would_give_back(tmp_path: Path) -> None:
    files = {
        "a/memory.max": str(8 * GIB),
        "a/memory.current": str(5 * GIB),
        "a/memory.stat": f"anon 1\ninactive_file {2 * GIB}\n",
        "a/b/memory.max": "max\n",
        "a/b/memory.current": "1",
    }
    found = memory(machine(tmp_path, cgroup="0::/a/b\n", files=files))
    assert (found.total, found.available) == (8 * GIB, 5 * GIB) and found.limit.endswith("/a")


def test_where_the_kernel_holds_back_before_the_limit_that_counts(tmp_path: Path) -> None:
    files = {"a/memory.max": str(8 * GIB), "a/memory.high": str(6 * GIB), "a/memory.current": str(GIB)}
    assert memory(machine(tmp_path, cgroup="0::/a\n", files=files)).total == 6 * GIB


@pytest.mark.parametrize(
    ("meminfo", "lacking"),
    [("", "MemTotal"), ("MemTotal: 8 kB\n", "MemAvailable"), ("MemAvailable: 8 kB\nMemTotal:\n", "MemTotal")],
)
def test_a_machine_whose_proc_lacks_a_line_is_an_error_naming_it(tmp_path: Path, meminfo: str, lacking: str) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text(meminfo)
    with pytest.raises(MissingTool, match=f"no line {lacking}"):
        memory(tmp_path)


def test_what_is_available_is_known_without_what_is_free(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 8 kB\nMemAvailable: 4 kB\n")
    assert memory(tmp_path).available == 4096


def test_a_version_1_limit_counts_and_its_unlimited_does_not(tmp_path: Path) -> None:
    files = {
        "memory/memory.limit_in_bytes": "9223372036854771712",
        "memory/memory.usage_in_bytes": "1",
        "memory/job/memory.limit_in_bytes": str(4 * GIB),
        "memory/job/memory.usage_in_bytes": str(3 * GIB),
        "memory/job/memory.stat": f"total_inactive_file {GIB}\n",
    }
    found = memory(machine(tmp_path, cgroup="8:memory:/job\n0::/\n", files=files))
    assert (found.total, found.available) == (4 * GIB, 2 * GIB)


def test_a_machine_without_proc_is_an_error_naming_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingTool, match="needs Linux"):
        memory(tmp_path)


def test_this_machine_has_memory() -> None:
    found = memory()
    assert 0 < found.available <= found.total


def test_a_gb10_keeps_fourteen_gib_and_a_laptop_an_eighth() -> None:
    assert UmaCap().cap(SPARK).floor == 14 * GIB and UmaCap().cap(SPARK).budget == 108 * GIB
    assert UmaCap().cap(LAPTOP).floor == round(0.12 * 8 * GIB)


def test_a_budget_is_a_share_or_gib_from_the_launch_pad_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert UmaCap(budget=0.5).cap(SPARK).budget == 61 * GIB
    assert UmaCap(budget=40).cap(SPARK).budget == 40 * GIB
    monkeypatch.setenv("CANVAS_UMA_BUDGET", "30")
    assert UmaCap().cap(SPARK).budget == 30 * GIB
    assert UmaCap(budget=40).cap(SPARK).budget == 40 * GIB


@pytest.mark.parametrize("settings", [{"budget": 200.0}, {"floor_gib": 200.0}, {"budget": -1.0}])
def test_a_budget_that_the_machine_does_not_have_is_refused_with_what_to_set(settings: dict[str, float]) -> None:
    with pytest.raises(BadConfig, match="CANVAS_UMA_BUDGET"):
        UmaCap(**settings).cap(SPARK)


def test_a_setting_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANVAS_UMA_FLOOR_GIB", "lots")
    with pytest.raises(BadConfig, match="CANVAS_UMA_FLOOR_GIB is 'lots'"):
        UmaCap().cap(SPARK)


@pytest.mark.parametrize("text", ["nan", "inf", "-3", "1e400"])
@pytest.mark.parametrize("name", ["CANVAS_UMA_TOTAL_GIB", "CANVAS_UMA_BUDGET", "CANVAS_UMA_FLOOR_GIB"])
def test_a_number_that_no_memory_can_have_is_named(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(BadConfig, match=f"{name} is '{text}': write a number"):
        UmaCap().cap(SPARK)


@pytest.mark.parametrize(
    "settings",
    [{"margin": 0.5}, {"default_gib": 0}, {"teacher_share": 60}, {"patience_s": -1}, {"margin": float("nan")}],
)
def test_a_setting_out_of_its_range_is_refused_by_name(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        UmaCap(**settings)


@pytest.mark.parametrize(
    "where", ["127.0.0.1:8000/v1", "yes", "http://", "http://there:port/v1", "ftp://user:secret@there/v1"]
)
def test_a_teacher_that_is_no_address_is_refused_and_not_quoted(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANVAS_UMA_TEACHER", where)
    with pytest.raises(BadConfig, match="CANVAS_UMA_TEACHER is no address") as raised:
        UmaCap().cap(SPARK)
    assert "secret" not in str(raised.value)


def test_a_step_that_would_never_fit_beside_a_pinned_teacher_is_refused_instead_of_waiting_for_ever(
    uma: UmaCap,
) -> None:
    pinned = UmaCap(ledger=uma.ledger, teacher="pinned")
    cap, ledger = pinned.cap(), pinned.open()
    headroom = pinned.headroom(ledger)
    size = cap.budget - cap.pinned + 1
    found = ledger.request(Claim(token="t", size=size, since=0.0), "run", owner(), headroom, 60.0)
    assert isinstance(found, Refused) and "the teacher's slot has" in found.reason and cap.for_steps == size - 1
    ledger.close()
    with pytest.raises(BadConfig, match="pinned slot"):
        UmaCap(teacher="pinned", budget=0.5).cap(SPARK)


def test_the_ledger_lies_in_the_users_state_folder_whatever_the_dagster_home() -> None:
    assert default_ledger({"XDG_STATE_HOME": "/state", "DAGSTER_HOME": "/d"}) == Path(
        "/state/canvas_pipeline/uma.sqlite"
    )


@pytest.fixture
def uma(tmp_path: Path) -> UmaCap:
    return UmaCap(ledger=str(tmp_path / "uma.sqlite"))


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def teacher() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_the_teachers_slot_stands_while_the_endpoint_answers(uma: UmaCap, teacher: str) -> None:
    with_teacher = UmaCap(ledger=uma.ledger, teacher=teacher)
    ledger, cap = with_teacher.open(), with_teacher.cap(SPARK)
    assert with_teacher.standing(ledger, cap) == round(0.6 * 122 * GIB)
    nobody = UmaCap(ledger=uma.ledger, teacher="http://127.0.0.1:9/v1")
    assert nobody.standing(ledger, cap) == 0
    assert UmaCap(ledger=uma.ledger, teacher="pinned").standing(ledger, cap) == round(0.6 * 122 * GIB)
    assert uma.standing(ledger, cap) == 0
    ledger.close()


def held(uma: UmaCap) -> None:
    ledger = uma.open()
    headroom = Headroom(budget=8 * GIB, available=80 * GIB, floor=0)
    for name, size in (("checkpoint__sft", 3 * GIB), ("checkpoint__dpo", 6 * GIB)):
        claim = Claim(token=name, size=size, since=since_boot(), name=name)
        ledger.request(claim, "0123456789abcdef", owner(), headroom, 60.0)
    ledger.close()


def test_status_names_who_holds_and_who_waits_and_adds_up(uma: UmaCap) -> None:
    held(uma)
    found = uma.status()
    assert [row[:4] for row in found.rows()] == [
        ("checkpoint__sft", "01234567", "held", "3.00 GiB"),
        ("checkpoint__dpo", "01234567", "waiting", "6.00 GiB"),
    ]
    assert sum(segment.size for segment in found.segments()) == found.cap.total


def test_the_command_shows_a_table_or_one_json_object(uma: UmaCap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANVAS_UMA_LEDGER", uma.ledger)
    held(uma)
    table = CliRunner().invoke(command.app, ["status"])
    assert table.exit_code == 0 and "checkpoint__sft" in table.output and "1 waiting" in table.output
    facts = json.loads(CliRunner().invoke(command.app, ["status", "--json"]).output)
    assert facts["reserved_gib"] == 3.0 and [entry["state"] for entry in facts["entries"]] == ["held", "waiting"]


def test_the_help_explains_the_states_and_how_to_set_the_budget() -> None:
    text = CliRunner().invoke(command.app, ["status", "--help"]).output
    assert "returning" in text and "CANVAS_UMA_BUDGET" in text and "uma status --watch" in text


def test_the_asset_shows_the_table_and_the_bar(uma: UmaCap) -> None:
    held(uma)
    (event,) = dg.materialize([uma_status], resources={"uma": uma}).get_asset_materialization_events()
    metadata = event.step_materialization_data.materialization.metadata
    assert "| checkpoint__sft |" in metadata["who"].value and "data:image/png" in metadata["bar"].value


def test_sizes_are_formatted_for_people() -> None:
    assert [gib(size) for size in (300 << 20, 3 * GIB, 122 * GIB)] == ["300 MiB", "3.00 GiB", "122.0 GiB"]
