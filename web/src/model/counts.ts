/** How many images there are of what is shown. */

import type { RunSummary } from "../api/types";

export interface Counts {
  /** What `log()` was given: what is stored, and what the writers say that they lost or dropped. */
  readonly numLogged: number;
  readonly numStored: number;
}

/** Sum over the keys of runs; null is all keys. What is missing is known of runs, not of keys. */
export function countsOf(runs: readonly RunSummary[], keys: readonly string[] | null): Counts {
  const isShown = keys && new Set(keys);
  const all = runs.flatMap((run) => run.keys).filter(({ key }) => !isShown || isShown.has(key));
  const numStored = all.reduce((sum, { num_stored }) => sum + num_stored, 0);
  const numMissing = runs.reduce((sum, { num_missing }) => sum + num_missing, 0);
  return { numLogged: numStored + numMissing, numStored };
}
