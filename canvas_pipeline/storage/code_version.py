"""Compute the code version of a stage: a digest of the code in this package that decides its result.

A module counts with everything that it imports within the package, transitively and inside functions too; with modules that it
names in a string (an argument of ``python -m``, of a package its ``__main__``); and with data files and folders beside it that it
names. ``pipeline`` and the ``data`` of a track join stages together, so their modules count by definition: for
``pipeline.evaluation:_benched.run`` (a function defined in a function) the definition itself, the definitions it uses, and what
those import.

Docstrings and comments do not count. Each file is read once: a process, and those forked from it, run the code that they have
loaded, whatever was edited since.

Not covered: values that a function closes over (they are a stage's inputs, whose hashes are in its recipe), and imports by a name
that is built at run time.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from canvas_pipeline.records import digest
from canvas_pipeline.storage.digests import content_sha256, sha256_file

PACKAGE, ROOT = __name__.partition(".")[0], Path(__file__).resolve().parents[1]
JOINING = re.compile(rf"{PACKAGE}\.(?:pipeline|tracks\.\w+\.data)(?:\.|$)")
"""Modules that join stages together and count by definition."""
PROFILE = "profile"
"""The attribute of a workspace whose values decide the result of a stage that reads them."""
IGNORED = {".md", ".pyc"}
"""Suffixes of files that never change what code does."""
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "torch": ("torch",),
    "transformers": ("transformers", "tokenizers"),
    "transformers.BitsAndBytesConfig": ("bitsandbytes",),
    "tokenizers": ("tokenizers",),
    "trl": ("trl", "accelerate"),
    "peft": ("peft",),
    "llama_cpp": ("llama-cpp-python",),
    "gguf": ("gguf",),
    "math_verify": ("math-verify", "latex2sympy2-extended", "sympy"),
    "presidio_analyzer": ("presidio-analyzer",),
    "spacy": ("spacy",),
}
"""Imported name → the distributions whose versions decide a result."""

Node = tuple[str, str]
"""A module and one of its definitions; an empty definition means the whole module."""


@dataclass
class Piece:
    """A module or a definition, and what it depends on. ``libraries`` are imported names from outside the package."""

    sha256: str
    uses: set[Node] = field(default_factory=set)
    libraries: set[str] = field(default_factory=set)
    data: set[Path] = field(default_factory=set)
    profile: bool = False


@dataclass(frozen=True)
class Source:
    """One file. ``definitions`` is empty if the module counts as a whole."""

    whole: Piece
    definitions: Mapping[str, Piece]


@dataclass(frozen=True)
class Imported:
    """What an import binds: a module, or a name in it."""

    module: str
    name: str = ""


def code_version(*roots: str) -> str:
    """Return the digest of what the roots run: modules (``evaluation.generate``) or definitions (``pipeline.evaluation:scored``).

    Raises ``LookupError`` for a root that does not exist."""
    return content_sha256(covered(*roots))[:16]


def library_versions(*roots: str, unused: Iterable[str] = ()) -> dict[str, str]:
    """Return distribution → installed version for those in ``LIBRARIES`` that the roots' code imports, without ``unused``."""
    imported = {name for piece in _reached(*roots).values() for name in piece.libraries}
    distributions = {distribution for name in imported for distribution in LIBRARIES.get(name, ())}
    return {name: _installed(name) for name in sorted(distributions.difference(unused))}


@functools.cache
def covered(*roots: str) -> dict[str, str]:
    """Return what ``code_version`` covers: file (and definition) → sha256."""
    digests: dict[str, str] = {}
    for (module, definition), piece in _reached(*roots).items():
        name = _name(_path(module) or ROOT)
        digests[f"{name}:{definition}" if definition else name] = piece.sha256
        digests.update({_name(file): _content(file) for entry in piece.data for file in _files(entry)})
    return digests


@functools.cache
def package_version() -> str:
    """Return the digest of the whole package: every module and every data file."""
    modules = {_name(path): _source(path).whole.sha256 for path in sorted(ROOT.rglob("*.py"))}
    data = {_name(path): _content(path) for path in _files(ROOT) if path.suffix != ".py"}
    return content_sha256(modules | data)[:16]


def module_version(module: str) -> str:
    """Return the digest of one module alone, without what it imports."""
    return _piece(f"{PACKAGE}.{module}", "").sha256[:16]


def reads_profile(*roots: str) -> bool:
    """Return whether the roots' code reads more of the workspace's profile than its name."""
    return any(piece.profile for piece in _reached(*roots).values())


def root_of(function: Callable[..., Any]) -> str:
    """Return the root that names a function of a module that counts by definition."""
    return f"{function.__module__.removeprefix(PACKAGE + '.')}:{function.__qualname__.replace('.<locals>', '')}"


@functools.cache
def _reached(*roots: str) -> dict[Node, Piece]:
    todo: list[Node] = []
    for root in roots:
        module, _, definition = root.partition(":")
        todo += _nodes(f"{PACKAGE}.{module}", definition)
    pieces: dict[Node, Piece] = {}
    while todo:
        node = todo.pop()
        if node not in pieces:
            pieces[node] = _piece(*node)
            todo += pieces[node].uses
    return pieces


def _nodes(module: str, definition: str = "") -> list[Node]:
    """Return the node of a module (of its definition if it counts by definition), and those of the packages around it."""
    parts = module.split(".")
    around = [".".join(parts[:length]) for length in range(1, len(parts))]
    inner = definition if JOINING.match(module) else ""
    return [*((package, "") for package in around if _path(package)), (module, inner)]


def _piece(module: str, definition: str) -> Piece:
    path = _path(module)
    if path is None:
        raise LookupError(f"{module}: there is no such module in the package")
    source = _source(path)
    if not definition or not source.definitions:
        return source.whole
    if definition not in source.definitions:
        raise LookupError(f"{module} defines no {definition}; a stage's code cannot be found")
    return source.definitions[definition]


@functools.cache
def _path(module: str) -> Path | None:
    folder = ROOT.joinpath(*module.split(".")[1:])
    for path in (folder / "__init__.py", folder.with_name(folder.name + ".py")):
        if path.is_file():
            return path
    return None


@functools.cache
def _source(path: Path) -> Source:
    module = ".".join((PACKAGE, *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    tree = _without_docstrings(ast.parse(path.read_text(encoding="utf-8")))
    beside = {entry.name: entry for entry in path.parent.iterdir() if _is_data(entry)}
    whole = _of_nodes([tree], beside)
    for imported in (each for bound in _imports(tree).values() for each in bound):
        _use(whole, imported)
    return Source(whole, _definitions(module, tree, beside) if JOINING.match(module) else {})


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """Remove docstrings, and imports that only a type checker runs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:]
            node.body = [statement for statement in node.body if not _is_for_types(statement)]
    return tree


def _definitions(module: str, tree: ast.Module, beside: Mapping[str, Path]) -> dict[str, Piece]:
    """Return the module's definitions by name; none if it runs other statements, which may change any of them."""
    nodes: dict[str, list[ast.AST]] = {}
    around: dict[str, list[Imported]] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            around |= _imports(statement)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for name in (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)):
                nodes.setdefault(name, []).append(statement)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for name, node in _functions(ast.Module([statement], []), ""):
                nodes.setdefault(name, []).append(node)
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            return {}
    pieces: dict[str, Piece] = {}
    for name, parts in nodes.items():
        piece = pieces[name] = _of_nodes(parts, beside)
        outer = name.rpartition(".")[0]
        for part in parts:
            inner = _imports(part)
            for used, attribute in _names(part):
                for imported in inner.get(used, around.get(used, ())):
                    _use(piece, imported, attribute)
                own = {used, f"{outer}.{used}"} & nodes.keys()
                piece.uses.update((module, each) for each in own if each != name)
            if _reads_profile(part):
                piece.profile = True
    return pieces


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + child.name, child
            yield from _functions(child, f"{prefix}{child.name}.")
        else:
            yield from _functions(child, prefix)


def _of_nodes(nodes: Iterable[ast.AST], beside: Mapping[str, Path]) -> Piece:
    """Return the piece of some nodes, with the data files and modules that their strings name."""
    nodes = list(nodes)
    piece = Piece(digest(*map(ast.dump, nodes)))
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value in beside:
                piece.data.add(beside[node.value])
            elif re.fullmatch(rf"{PACKAGE}(\.\w+)+", node.value):
                runs = (node.value, f"{node.value}.__main__")
                piece.uses.update(each for module in runs if _path(module) for each in _nodes(module))
    return piece


def _imports(tree: ast.AST) -> dict[str, list[Imported]]:
    """Return bound name → what the tree's imports bind it to."""
    bound: dict[str, list[Imported]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound.setdefault(alias.asname or alias.name.partition(".")[0], []).append(Imported(alias.name))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = _is_ours(inner) and _path(inner)
                imported = Imported(inner) if is_module else Imported(str(node.module), alias.name)
                bound.setdefault(alias.asname or alias.name, []).append(imported)
    return bound


def _use(piece: Piece, imported: Imported, attribute: str = "") -> None:
    """Add what a piece uses of an import to its dependencies."""
    if _is_ours(imported.module):
        piece.uses.update(_nodes(imported.module, imported.name or attribute))
    else:
        names = (imported.module.partition(".")[0], f"{imported.module}.{imported.name}")
        piece.libraries.update(name for name in names if name in LIBRARIES)


def _names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the names that are read, each with its attribute that is read; annotations, which are never evaluated, are skipped."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    annotations = [arg.annotation for f in functions for arg in ast.walk(f.args) if isinstance(arg, ast.arg)]
    annotations += [f.returns for f in functions]
    annotations += [node.annotation for f in functions for node in ast.walk(f) if isinstance(node, ast.AnnAssign)]
    skipped = {id(node) for annotation in annotations if annotation for node in ast.walk(annotation)}
    attributes = {id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in skipped:
            yield node.id, attributes.get(id(node), "")


def _reads_profile(tree: ast.AST) -> bool:
    """Return whether more than the name of an attribute ``profile`` is read."""
    named = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "name"}
    return any(
        isinstance(node, ast.Attribute) and node.attr == PROFILE and id(node) not in named for node in ast.walk(tree)
    )


def _is_for_types(statement: ast.stmt) -> bool:
    test = statement.test if isinstance(statement, ast.If) and not statement.orelse else None
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE


def _is_data(entry: Path) -> bool:
    if entry.is_dir():
        return entry.name != "__pycache__" and not any(entry.glob("**/*.py"))
    return entry.suffix not in {".py", *IGNORED}


def _files(entry: Path) -> list[Path]:
    if entry.is_file():
        return [entry]
    return [path for path in sorted(entry.rglob("*")) if path.is_file() and path.suffix not in IGNORED]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


_content = functools.cache(sha256_file)
"""Each data file is hashed once: see the module's docstring."""


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"
