"""CPU time and memory of a process and all its descendants, from Linux's ``/proc``.

Standard library only: used by the runner (on itself) and by the driver (on the runner).
"""

import ctypes
import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS_PER_SEC: Final = os.sysconf("SC_CLK_TCK")
_PR_SET_CHILD_SUBREAPER: Final = 36
_CLOCK_OF_PROCESS: Final = 2  # CPUCLOCK_SCHED in the kernel's posix-timers.h: to the nanosecond


def adopt_orphans() -> None:
    """Make this process the parent of descendants that lose theirs, so that all are counted."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """Return the ids of all living descendants of `pid`; one that ends meanwhile may be missing."""
    found: list[int] = []
    for child in _children(pid):
        found.append(child)
        found.extend(descendants(child))
    return found


def pss_bytes(pid: int) -> int:
    """Return the memory of `pid` and its descendants, as the kernel's proportional set size.

    Resident pages, those of mapped files included; a page that several processes map counts once
    in all. What lies in the page cache and is mapped by nobody does not count.
    """
    return sum(_pss_of_one(each) for each in (pid, *descendants(pid)))


def mapped_pss_bytes(pid: int, suffix: str) -> int:
    """Return how much of `pss_bytes` is pages of mapped files whose names end with `suffix`."""
    return sum(_mapped_pss_of_one(each, suffix) for each in (pid, *descendants(pid)))


def own_peak_rss_bytes() -> int:
    """Return this process's resident high-water mark since `reset_own_peak_rss`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM line; the benchmark needs a Linux kernel")


def reset_own_peak_rss() -> None:
    """Set this process's resident high-water mark to what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


def own_cpu_secs() -> float:
    """Return user and system time of this process, its ended children and its living ones."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    living = sum(_cpu_secs_of_one(pid) for pid in descendants(os.getpid()))
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime + living


def kill_descendants() -> None:
    """End whatever processes this one has started and left behind."""
    for pid in descendants(os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _children(pid: int) -> Iterator[int]:
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (task / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        return


def _pss_of_one(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended
    return 0


def _mapped_pss_of_one(pid: int, suffix: str) -> int:
    total_bytes, is_wanted = 0, False
    try:
        for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
            name, _, rest = line.partition(":")
            if "-" in name:  # a mapping begins: its addresses, ..., its file
                is_wanted = line.endswith(suffix)
            elif is_wanted and name == "Pss":
                total_bytes += int(rest.split()[0]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended
    return total_bytes


def _cpu_secs_of_one(pid: int) -> float:
    """Return the CPU time of a process and of its ended children."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        own = time.clock_gettime(~pid << 3 | _CLOCK_OF_PROCESS)
    except OSError:
        return 0.0
    ticks_of_ended = sum(int(field) for field in after_name[13:15])  # cutime, cstime
    return own + ticks_of_ended / _TICKS_PER_SEC
