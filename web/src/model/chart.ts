/** Lines of logged numbers over steps: scales, ticks, and where a line is broken. */

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Return the range of all finite values, never empty: a single value stands in the middle. */
export function rangeOf(lists: readonly (readonly number[])[]): Range {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) {
    for (const value of list) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return { low: 0, high: 1 };
  return low < high ? { low, high } : { low: low - 0.5, high: high + 0.5 };
}

/** Return the range with room on both sides, a share of its length. */
export function padded({ low, high }: Range, share: number): Range {
  const room = (high - low) * share;
  return { low: low - room, high: high + room };
}

/** Return how far along a range a value is: 0 at its low end, 1 at its high end. */
export function shareOf({ low, high }: Range, value: number): number {
  return (value - low) / (high - low);
}

/** Return round values inside a range, about as many as asked for. */
export function ticksOf({ low, high }: Range, about: number): number[] {
  const rough = (high - low) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
    Number(((first + i) * step).toFixed(Math.min(20, digits))),
  );
}

/** Return the runs of points that a line joins: what is not finite breaks it. */
export function unbroken(xs: readonly number[], ys: readonly number[]): [number, number][][] {
  const parts: [number, number][][] = [];
  let part: [number, number][] | undefined;
  xs.forEach((x, i) => {
    const y = ys[i]!;
    if (!Number.isFinite(y)) part = undefined;
    else if (part) part.push([x, y]);
    else parts.push((part = [[x, y]]));
  });
  return parts;
}

/** The number that says most about a run, of those that it logged: a loss, if there is one. */
export function defaultSeries(names: readonly string[]): string | null {
  const overall = names.filter((name) => !name.includes("/"));
  const wanted = [/^loss$/i, /loss/i, /psnr|iou|error|acc|score/i, /./];
  for (const among of [overall, names]) {
    for (const pattern of wanted) {
      const found = among.find((name) => pattern.test(name));
      if (found) return found;
    }
  }
  return null;
}
