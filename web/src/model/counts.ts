/** How many images there are of what is shown. */

import type { RunSummary } from "../api/types";

export interface Counts {
  readonly numLogged: number;
  readonly numStored: number;
}

/** Sum over the keys of runs; null is all keys. */
export function countsOf(runs: readonly RunSummary[], keys: readonly string[] | null): Counts {
  const isShown = keys && new Set(keys);
  const all = runs.flatMap((run) => run.keys).filter(({ key }) => !isShown || isShown.has(key));
  const numStored = all.reduce((sum, { num_stored }) => sum + num_stored, 0);
  return { numLogged: Math.max(numStored, all.reduce((sum, { num_images }) => sum + num_images, 0)), numStored };
}
