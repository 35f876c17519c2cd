import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  directionOf,
  lastAtOrBefore,
  markDensity,
  nearestStop,
  positionsOf,
  stepShown,
  stopFrom,
  stopsAhead,
  union,
  withStep,
} from "./timeline";

const sorted = fc.uniqueArray(fc.integer({ min: -50, max: 50 })).map((list) => list.sort((a, b) => a - b));

describe("the newest at or before", () => {
  it("is what a plain search finds, for 0, 1 and many", () => {
    fc.assert(
      fc.property(sorted, fc.integer({ min: -60, max: 60 }), (list, at) => {
        expect(lastAtOrBefore(list, at)).toBe(list.filter((value) => value <= at).length - 1);
        expect(stepShown(list, at)).toBe(list.filter((value) => value <= at).at(-1));
      }),
    );
  });

  it("is the newest of all when the slider is at the newest", () => {
    expect(stepShown([1, 5, 9], null)).toBe(9);
    expect(stepShown([], null)).toBe(undefined);
  });
});

describe("stops", () => {
  it("are all positions once, ascending", () => {
    expect(union([[1, 3], [2, 3], []])).toEqual([1, 2, 3]);
    expect(union([])).toEqual([]);
  });

  it.each([
    [4, 5],
    [2, 1],
    [3, 1], // as far from both: the earlier
    [-9, 1],
    [99, 9],
  ])("nearest to %i is %i", (place, stop) => {
    expect(nearestStop([1, 5, 9], place)).toBe(stop);
  });

  it.each([
    [1, 1, 5],
    [5, -1, 1],
    [9, 1, 9],
    [1, -1, 1],
    [6, 1, 9], // between two stops
    [6, -1, 5],
    [null, -1, 5], // newest is the last
    [null, 1, 9],
    [5, 100, 9],
    [5, -100, 1],
  ])("from %s by %i is %i", (at, by, stop) => {
    expect(stopFrom([1, 5, 9], at, by)).toBe(stop);
  });

  it("are none where there are no images", () => {
    expect(stopFrom([], null, 1)).toBe(undefined);
    expect(nearestStop([], 3)).toBe(undefined);
  });
});

describe("positions", () => {
  const steps = { steps: [0, 10, 20], times: [100, 101, 101], counts: [1, 1, 1] };
  const loss = { run_id: "a", name: "loss", steps: [0, 5, 20], times: [], values: [0.9, 0.7, "NaN" as const] };

  it.each([
    ["step", [0, 10, 20]],
    ["time", [100, 101]],
    ["loss", [0.9]], // logged at the image's own step, and a number
  ])("on the axis %s", (axis, positions) => {
    expect(positionsOf(axis, steps, loss)).toEqual(positions);
  });

  it("are none on an axis that the run never logged", () => {
    expect(positionsOf("acc", steps, undefined)).toEqual([]);
  });
});

describe("a step that an event tells of", () => {
  it("is put in its place, once", () => {
    const steps = { steps: [1, 5], times: [10, 50], counts: [2, 2] };
    const after = withStep(steps, 3, 30, 4);
    expect(after).toEqual({ steps: [1, 3, 5], times: [10, 30, 50], counts: [2, 4, 2] });
    expect(withStep(after, 3, 99, 9)).toBe(after);
  });
});

describe("marks", () => {
  it("are as dense as the share of keys that have images there", () => {
    expect([...markDensity([[0, 10], [10]], [0, 10], 3)]).toEqual([0.5, 0, 1]);
  });

  it("stand at the start when there is one stop", () => {
    expect([...markDensity([[7]], [7, 7], 2)]).toEqual([1, 0]);
  });
});

describe("where the slider walks", () => {
  it.each([
    { from: 10, to: 20, direction: 1 },
    { from: 20, to: 10, direction: -1 },
    { from: 10, to: 30, direction: 0 },
    { from: 10, to: 12, direction: 0 },
    { from: 12, to: 20, direction: 1 },
    { from: null, to: 20, direction: -1 },
    { from: 20, to: null, direction: 1 },
    { from: 30, to: null, direction: 0 },
  ])("is told by two places: from $from to $to, $direction", ({ from, to, direction }) => {
    expect(directionOf([10, 20, 30], from, to)).toBe(direction);
  });

  it("is nowhere without stops", () => {
    expect(directionOf([], 1, 2)).toBe(0);
    expect(stopsAhead([], 1, 0)).toEqual([]);
  });

  it.each([
    { at: 20, direction: 0, ahead: [30, 10, 40] },
    { at: 20, direction: 1, ahead: [30, 40] },
    { at: 20, direction: -1, ahead: [10] },
    { at: 40, direction: 0, ahead: [30] },
    { at: null, direction: 1, ahead: [] },
    { at: 25, direction: 0, ahead: [30, 40] },
  ])("is what comes next: at $at, walking $direction, $ahead", ({ at, direction, ahead }) => {
    expect(stopsAhead([10, 20, 30, 40], at, direction)).toEqual(ahead);
  });

  it("is four stops at most", () => {
    expect(stopsAhead([1, 2, 3, 4, 5, 6, 7], 1, 1)).toEqual([2, 3, 4, 5]);
    expect(stopsAhead([1, 2, 3, 4, 5, 6, 7], 7, -1)).toEqual([6, 5, 4, 3]);
  });
});
