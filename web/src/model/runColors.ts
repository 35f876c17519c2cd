/** Colours of runs: by the order in which they were made, so that they stay when new ones come. */

import type { RunSummary } from "../api/types";

const COLORS = [
  "#2f6fde", "#d9622b", "#1f9d73", "#b5399a", "#8a7a00", "#7a52d9", "#c23b4b", "#2191a8",
  "#5f8f1f", "#a2622f", "#4b63a8", "#b0599e",
]; // prettier-ignore

/** Return the colour of each run by id. */
export function runColors(runs: readonly RunSummary[]): ReadonlyMap<string, string> {
  const oldest = runs.toSorted((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
  return new Map(oldest.map((run, i) => [run.id, COLORS[i % COLORS.length]!]));
}
