/** Stops of the slider: where images exist, on an axis of steps, times or a logged number. */

import type { Series, Steps } from "../api/types";

/** Return the index of the last value that is at most `at`, or -1; `sorted` ascends. */
export function lastAtOrBefore(sorted: readonly number[], at: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Return the step whose images are newest at or before a step; null is the newest of all. */
export function stepShown(steps: readonly number[], at: number | null): number | undefined {
  return at === null ? steps.at(-1) : steps[lastAtOrBefore(steps, at)];
}

/** Return all different values of sorted lists, ascending. */
export function union(lists: readonly (readonly number[])[]): number[] {
  return [...new Set(lists.flat())].sort((a, b) => a - b);
}

/** Return where a key's images stand on an axis; `series` is the logged number of that run. */
export function positionsOf(axis: string, steps: Steps, series: Series | undefined): number[] {
  if (axis === "step") return steps.steps;
  if (axis === "time") return union([steps.times]);
  const values = new Map(series?.steps.map((step, i) => [step, Number(series.values[i])]));
  const found = steps.steps.flatMap((step) => values.get(step) ?? []);
  return union([found.filter(Number.isFinite)]);
}

/** Return the stop nearest to a place between stops. */
export function nearestStop(stops: readonly number[], place: number): number | undefined {
  const before = lastAtOrBefore(stops, place);
  const [low, high] = [stops[before], stops[before + 1]];
  if (low === undefined || high === undefined) return low ?? high;
  return place - low <= high - place ? low : high;
}

/** Return the stop `count` stops on; null, the newest, counts as the last, and the ends hold. */
export function stopFrom(stops: readonly number[], at: number | null, count: number): number | undefined {
  if (!stops.length) return undefined;
  const here = at === null ? stops.length - 1 : lastAtOrBefore(stops, at);
  const isBetween = at !== null && stops[here] !== at;
  const there = count < 0 && isBetween ? here + count + 1 : here + count;
  return stops[Math.min(stops.length - 1, Math.max(0, there))];
}

/** Return 1 or -1 where one place is a stop on or back from the other, else 0. */
export function directionOf(stops: readonly number[], from: number | null, to: number | null): 0 | 1 | -1 {
  const [before, here] = [stopFrom(stops, from, 0), stopFrom(stops, to, 0)];
  if (before === here) return 0;
  if (stopFrom(stops, from, 1) === here) return 1;
  return stopFrom(stops, from, -1) === here ? -1 : 0;
}

/** How many stops ahead are fetched when the slider walks: fewer, and a key held down waits for some. */
const STOPS_AHEAD = 4;

/** Return the stops that may be wanted next: those that way, or on both sides where there is no way. */
export function stopsAhead(stops: readonly number[], at: number | null, direction: number): number[] {
  const here = stopFrom(stops, at, 0);
  const walk = Array.from({ length: STOPS_AHEAD }, (_, place) => direction * (place + 1));
  const counts = direction ? walk : [1, -1, 2];
  const ahead = counts.map((count) => stopFrom(stops, at, count));
  return [...new Set(ahead)].filter((stop) => stop !== undefined && stop !== here) as number[];
}

/** Return steps with one more, as an event told of it; nothing changes when it was there. */
export function withStep(steps: Steps, step: number, time: number, count: number): Steps {
  const before = lastAtOrBefore(steps.steps, step);
  if (steps.steps[before] === step) return steps;
  const put = (list: readonly number[], value: number): number[] => list.toSpliced(before + 1, 0, value);
  return { steps: put(steps.steps, step), times: put(steps.times, time), counts: put(steps.counts, count) };
}

/** Return how dense the marks are in each of `bins` equal parts of the axis, 0 to 1. */
export function markDensity(
  lists: readonly (readonly number[])[],
  [first, last]: readonly [number, number],
  bins: number,
): Float32Array {
  const density = new Float32Array(bins);
  const scale = last > first ? (bins - 1) / (last - first) : 0;
  for (const list of lists) {
    let previous = -1;
    for (const value of list) {
      const bin = Math.round((value - first) * scale);
      if (bin !== previous) density[bin]! += 1;
      previous = bin;
    }
  }
  const most = Math.max(1, lists.length);
  return density.map((count) => count / most);
}
