"""``python -m benchmarks.alone '<task as JSON>'``: one study, inside filmstrip's environment."""

import dataclasses
import importlib
import json
import sys

from benchmarks import process_tree
from benchmarks.alone import StudyTask
from benchmarks.runner import take_stdout


def main() -> None:
    """Read the task from the command line, run it, write the answer."""
    task = StudyTask(**json.loads(sys.argv[1]))
    channel = take_stdout()

    def ready() -> None:
        channel.write('"ready"\n')
        channel.flush()

    process_tree.adopt_orphans()
    answer = importlib.import_module(f"benchmarks.alone.{task.study}").study(task, ready)
    channel.write(json.dumps(dataclasses.asdict(answer)) + "\n")
    channel.flush()
    process_tree.kill_descendants()


if __name__ == "__main__":
    main()
