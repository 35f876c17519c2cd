/** Tall lists of which only a part exists: where each entry starts, and which are in sight. */

import { lastAtOrBefore } from "./timeline";

export interface Layout {
  /** Top of each entry in pixels, and last the height of all: one more than there are entries. */
  readonly tops: readonly number[];
}

export function layoutOf(heights: readonly number[]): Layout {
  const tops = [0];
  for (const height of heights) tops.push(tops.at(-1)! + height);
  return { tops };
}

export function totalHeight({ tops }: Layout): number {
  return tops.at(-1)!;
}

/** Return the entries that a window shows, from the first to before the last. */
export function inSight(layout: Layout, top: number, height: number): { first: number; end: number } {
  const count = layout.tops.length - 1;
  const first = Math.min(count, Math.max(0, lastAtOrBefore(layout.tops, top)));
  const end = Math.min(count, lastAtOrBefore(layout.tops, top + height) + 1);
  return { first, end: Math.max(first, end) };
}

/** Return how many cells of a width stand beside each other. */
export function columnsIn(width: number, cell: number, gap: number): number {
  return Math.max(1, Math.floor((width + gap) / (cell + gap)));
}

/** Return how wide a cell is when so many of them fill a width. */
export function cellIn(width: number, columns: number, gap: number): number {
  return Math.max(1, Math.floor((width + gap) / columns) - gap);
}
