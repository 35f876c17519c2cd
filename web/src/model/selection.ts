/** Which of a list are shown: null is all, also of those that are yet to come. */

import type { RunSummary } from "../api/types";

/** Return the selection with one switched; when all are shown again it is null. */
export function switched(
  shown: readonly string[] | null,
  all: readonly string[],
  one: string,
): readonly string[] | null {
  const before = shown ?? all;
  const after = before.includes(one) ? before.filter((other) => other !== one) : [...before, one];
  return all.every((each) => after.includes(each)) ? null : after;
}

/** Return the runs that a search finds: each of its words is part of what the run is called. */
export function runsFound(runs: readonly RunSummary[], search: string): readonly RunSummary[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return runs;
  return runs.filter((run) => {
    const text = [run.name, run.id, run.project, run.group, ...run.tags].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
