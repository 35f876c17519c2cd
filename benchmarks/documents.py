"""Figures in the documents: what stands between two marks is written by the benchmark.

``<!-- bench: NAME -->`` begins such a part and ``<!-- /bench -->`` ends it. ``python -m
benchmarks.documents`` fills them all from ``results/latest.json``; ``--check`` only says, by its
exit code, whether they are as it would write them.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import tables
from benchmarks.alone import tables as studies
from benchmarks.goals import FIRST, WRITER, outcomes
from benchmarks.peers import PEERS
from benchmarks.report import machine_line
from benchmarks.results import Results
from benchmarks.tables import Table
from benchmarks.workloads import workload_named

REPOSITORY: Final = Path(__file__).parents[1]
RESULTS: Final = REPOSITORY / "benchmarks" / "results" / "latest.json"
DOCUMENTS: Final = (REPOSITORY / "README.md", REPOSITORY / "docs" / "performance.md")

_PART: Final = re.compile(r"(<!-- bench: ([a-z-]+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
_NOT_MEASURED: Final = "Not measured in the run whose figures stand here.\n"


def fill(results: Results) -> list[Path]:
    """Write the figures into every document; return those that changed."""
    changed = []
    for path in DOCUMENTS:
        before = path.read_text(encoding="utf-8")
        after = filled(before, results)
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed.append(path)
    return changed


def filled(text: str, results: Results) -> str:
    """Return a document with the results between its marks.

    Raises
    ------
    LookupError
        If it marks a part that there is not.
    """

    def part(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        if name not in _PARTS:
            raise LookupError(f"no part named {name!r}; choose from {', '.join(_PARTS)}")
        return f"{begin}\n{_PARTS[name](results)}\n{end}"

    return _PART.sub(part, text)


def _workload(name: str) -> Callable[[Results], str]:
    return lambda results: tables.workload_table(results, workload_named(name), PEERS).body()


def _goals(group: str) -> Callable[[Results], str]:
    def body(results: Results) -> str:
        judged = msgspec.structs.replace(results, goals=outcomes(results))
        (table,) = tables.goal_tables(judged, group)
        return table.body()

    return body


def _study(name: str, table: Callable[..., Table]) -> Callable[[Results], str]:
    def body(results: Results) -> str:
        found = getattr(results.alone, name)
        return table(found).body() if found else _NOT_MEASURED

    return body


def _machine(results: Results) -> str:
    return f"{machine_line(results)}\n"


def _picture(results: Results) -> str:
    if results.alone.stages is None:
        return _NOT_MEASURED
    return "![time of a photo, memory, cost](../benchmarks/results/where-time-goes.png)\n"


_PARTS: Final[dict[str, Callable[[Results], str]]] = {
    "machine": _machine,
    "picture": _picture,
    "photos": _workload("photos"),
    "goals": _goals(WRITER),
    "first-goals": _goals(FIRST),
    "stages": _study("stages", studies.stages_table),
    "memory": _study("endless", studies.endless_table),
    "revisits": _study("revisits", studies.revisits_table),
    "growth": _study("growth", studies.growth_table),
}


def main() -> None:
    """Fill the documents, or check them."""
    results = msgspec.json.decode(RESULTS.read_bytes(), type=Results)
    if sys.argv[1:] != ["--check"]:
        for path in fill(results):
            print(f"wrote {path.relative_to(REPOSITORY)}")
        return
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        if filled(text, results) != text:
            sys.exit(f"{path.relative_to(REPOSITORY)} is stale: python -m benchmarks.documents")


if __name__ == "__main__":
    main()
