"""An edit rebuilds the stages whose result depends on it, and no others. Edits are made in a copy of the package."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import canvas_pipeline
from canvas_pipeline.storage.code_version import covered, reads_profile
from canvas_pipeline.storage.versions import versions
from canvas_pipeline_tests.pipeline.code_tables import EDITS, MODELS, SIZED, SPEAKS, STAGES
from canvas_pipeline_tests.pipeline.good_line import copy_of, line_at

PACKAGE = Path(canvas_pipeline.__file__).parent
LOOK = """
import json, sys
from canvas_pipeline.storage.code_version import code_version, covered, library_versions
stages = json.loads(sys.argv[1]).items()
print(json.dumps({
    "versions": {stage: code_version(*roots) for stage, roots in stages},
    "covered": {stage: covered(*roots) for stage, roots in stages},
    "libraries": {stage: library_versions(*roots) for stage, roots in stages},
}))
"""
Look = dict[str, dict[str, Any]]


def run(package: Path, script: str, *arguments: str, first: str = "") -> subprocess.CompletedProcess[str]:
    """Run a script that imports the copy of the package."""
    path = os.pathsep.join(filter(None, (first, str(package.parent), str(PACKAGE.parent))))
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, cwd=package.parent, capture_output=True, text=True
    )


def look(package: Path, first: str = "") -> Look:
    """Return the stages' code versions, the files these cover, and libraries, as computed in the copy."""
    done = run(package, LOOK, json.dumps(STAGES), first=first)
    assert done.returncode == 0, done.stderr
    found: Look = json.loads(done.stdout)
    return found


def again(now: Look, before: Look) -> set[str]:
    """Return the stages with another code version."""
    return {stage for stage in STAGES if now["versions"][stage] != before["versions"][stage]}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("edited") / "canvas_pipeline"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture(scope="module")
def unedited(package: Path) -> Look:
    return look(package)


@contextmanager
def edited(package: Path, *files: str, edit: bytes = b"\nEDITED = 1\n") -> Iterator[None]:
    raw = {file: (package / file).read_bytes() for file in files}
    try:
        for file in files:
            (package / file).write_bytes(raw[file] + edit)
        yield
    finally:
        for file in files:
            (package / file).write_bytes(raw[file])


@pytest.fixture(scope="module")
def all_edited(package: Path, unedited: Look) -> Look:
    """Apply all edits at once; the covered files tell which of them concern a stage."""
    with edited(package, *EDITS):
        return look(package)


@pytest.mark.parametrize("file", EDITS)
def test_an_edit_changes_the_code_version_of_the_stages_it_concerns_and_of_no_others(
    file: str, all_edited: Look, unedited: Look
) -> None:
    before, after = unedited["covered"], all_edited["covered"]
    assert {stage for stage in STAGES if after[stage].get(file) != before[stage].get(file)} == set(EDITS[file].split())


def test_an_edit_of_any_covered_file_changes_a_stages_code_version(all_edited: Look, unedited: Look) -> None:
    noticed = {stage for stages in EDITS.values() for stage in stages.split()}
    assert again(all_edited, unedited) == noticed and noticed < STAGES.keys()


def test_the_stages_that_read_a_size_of_the_profile_are_known() -> None:
    """Their recipes contain the digest of its values. Trainings take it from the run spec; benches contain the digest too, since
    their process reads the profile by its name."""
    assert {stage for stage, roots in STAGES.items() if reads_profile(*roots)} == set(SIZED.split())


def test_a_comment_or_a_docstring_rebuilds_nothing(package: Path, unedited: Look) -> None:
    path = package / "records.py"
    raw = path.read_text(encoding="utf-8")
    path.write_text("# A remark.\n" + raw.replace('"""', '"""Said otherwise. ', 1), encoding="utf-8")
    after = look(package)
    path.write_text(raw, encoding="utf-8")
    assert again(after, unedited) == set()


@pytest.mark.parametrize(
    ("old", "new", "stages"),
    [
        (
            "return benchmark.score(cases, [found",
            "return benchmark.score(list(cases), [found",
            {"bench", "candidates_bench", "constrained_bench", "gguf", "suite_bench"},
        ),
        ("share(metric.title", "share(metric.name", set()),
    ],
    ids=["scoring", "showing"],
)
def test_of_a_stages_module_only_the_definitions_that_it_is_built_with_count(
    old: str, new: str, stages: set[str], package: Path, unedited: Look
) -> None:
    path = package / "pipeline/evaluation.py"
    raw = path.read_text(encoding="utf-8")
    assert old in raw
    path.write_text(raw.replace(old, new), encoding="utf-8")
    after = look(package)
    path.write_text(raw, encoding="utf-8")
    assert again(after, unedited) == stages


def test_every_function_that_builds_a_stage_is_in_the_table() -> None:
    builds = set()
    for path in [*(PACKAGE / "pipeline").glob("*.py"), *(PACKAGE / "tracks").glob("*/data/*.py")]:
        module = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
        for outer in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for inner in ast.walk(outer) if isinstance(outer, ast.FunctionDef) else ():
                if inner is not outer and isinstance(inner, ast.FunctionDef) and _takes_a_writer(inner):
                    builds.add(f"{module}:{outer.name}.{inner.name}")
    assert {roots[0] for roots in STAGES.values()} == builds


def _takes_a_writer(function: ast.FunctionDef) -> bool:
    return [ast.unparse(arg.annotation) for arg in function.args.args if arg.annotation] == ["Writer"]


def _code_of(stage: str) -> tuple[str, ...]:
    """Return the code roots of a stage: by its name, its folder (``collab/…``), or its part (``dpo_bench``)."""
    kind = stage.rpartition("_")[2]
    kinds = {"split": "splits", "measurement": "measurements", "spec": "run_spec"}
    return STAGES.get(stage) or STAGES.get(stage.split("/")[0]) or STAGES[kinds.get(kind, kind)]


def test_the_recipes_of_a_pipeline_name_the_code_of_the_table(good_line: Path) -> None:
    named = {stage.manifest.stage: stage.manifest.recipe.code for stage in versions(line_at(good_line).store)}
    expected = {name: _code_of(name) for name in named}
    assert expected == named


DATA_THAT_IS_NO_CODE = ("tracks/canvas/embedded_base/", "tracks/instruct/embedded_text/",
                        "privacy/identities/english_words.licence.txt",
                        "privacy/identities/wordnet.licence.txt", "privacy/name_model/words/", "defs/",
                        "managed/request.schema.json")  # fmt: skip
"""The shipped weights are an input; licences; what the shipped name recogniser was trained on; the YAML of the assets, which
decides what there is to make; and the form of a request to a service, which no stage sends."""


def test_every_data_file_counts_for_a_stage_or_is_listed_as_no_code() -> None:
    seen = {name for roots in STAGES.values() for name in covered(*roots)}
    data = [
        p.relative_to(PACKAGE).as_posix()
        for p in PACKAGE.rglob("*")
        if p.is_file() and p.suffix not in (".py", ".pyc", ".md")
    ]
    assert [name for name in data if name not in seen and not name.startswith(DATA_THAT_IS_NO_CODE)] == []


LIBRARIES = {
    "torch": f"{MODELS} {SPEAKS} bon_rows round_pairs onpolicy_pairs canaries cards release_log release",
    "trl": MODELS,
    "spacy": "collab canaries trajectories bench_cases",
    "typer": "",
}
"""Distribution → the stages whose result its version decides. Torch counts for the cards too: the file of a model family says how
its Modelfile looks, and builds its models."""


@pytest.fixture(scope="module")
def upgraded(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Look:
    """Pretend that other versions of some libraries are installed."""
    site = tmp_path_factory.mktemp("site")
    for name in LIBRARIES:
        (site / f"{name}-99.0.dist-info").mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n"
        (site / f"{name}-99.0.dist-info" / "METADATA").write_text(metadata)
    return look(package, str(site))


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_librarys_version_is_in_the_recipes_of_the_stages_that_depend_on_it(name: str, upgraded: Look) -> None:
    found = {stage for stage, libraries in upgraded["libraries"].items() if libraries.get(name) == "99.0"}
    assert found == set(LIBRARIES[name].split())


def test_libraries_that_a_stage_does_not_use_are_not_in_its_recipe(good_line: Path) -> None:
    store = line_at(good_line).store
    trained, benched = (store.get(name).manifest.recipe.libraries for name in ("sft_checkpoint", "sft_bench"))
    assert {"torch", "transformers", "trl"} <= trained.keys() and not {"peft", "bitsandbytes"} & trained.keys()
    assert {"torch", "transformers"} <= benched.keys() and "llama-cpp-python" not in benched


AGAIN = """
import sys
from pathlib import Path
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline_tests.pipeline.good_line import BASE, Workshop, line_at
ws = line_at(Path(sys.argv[1]))
print(build_stage(ws, "item_pairs").reused, build_stage(ws, "base_bench", Workshop(ws.root / BASE)).reused)
"""


def test_a_stage_whose_code_was_edited_is_rebuilt_and_then_reused(
    good_line: Path, package: Path, tmp_path: Path
) -> None:
    root = str(copy_of(good_line, tmp_path / "pipeline").root)

    def reused() -> str:
        done = run(package, AGAIN, root)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert reused() == "True True"
    with edited(package, "training/checkpoint.py"):
        assert [reused(), reused()] == ["True False", "True True"]
    assert reused() == "True True"


LATER = """
import json, sys
from pathlib import Path
from canvas_pipeline.storage import code_version
code_version.package_version()  # what the fork server asks, before any step is born
for name in ("privacy/identities/pii.py", "tracks/canvas/examples/pairs.py"):
    path = code_version.ROOT / name
    path.write_text(path.read_text(encoding="utf-8") + "EDITED = 1", encoding="utf-8")
print(json.dumps({stage: code_version.code_version(*roots) for stage, roots in json.loads(sys.argv[1]).items()}))
"""


def test_a_process_records_the_code_version_of_its_start_for_later_stages_too(package: Path, unedited: Look) -> None:
    with edited(package, "privacy/identities/pii.py", "tracks/canvas/examples/pairs.py", edit=b""):
        named = json.loads(run(package, LATER, json.dumps(STAGES)).stdout)
        after = look(package)
    assert named == unedited["versions"]
    assert {"collab", "item_pairs"} <= again(after, unedited)


@pytest.mark.parametrize("module", ["tracks/canvas/mock/canvas.py", "pipeline/workspace.py"])
def test_a_file_in_the_middle_of_an_edit_does_not_end_the_fork_server(module: str, package: Path) -> None:
    with edited(package, module, edit=b"\ndef half(\n"):
        done = run(package, "import canvas_pipeline.pipeline.preload")
    assert (done.returncode, done.stderr) == (0, "canvas_pipeline: steps will read the code themselves (SyntaxError)\n")
