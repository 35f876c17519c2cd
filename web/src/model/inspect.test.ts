import fc from "fast-check";
import { expect, test } from "vitest";
import { COMPARE_MODES, INSPECT, inspectFromText, MAX_GAIN, textFromInspect, type Inspect } from "./inspect";
import { FIT } from "./viewport";

const inspects = fc.record({
  view: fc.record({
    zoom: fc.double({ min: 1.001, max: 50, noNaN: true }),
    center: fc.record({
      x: fc.double({ min: 0, max: 1, noNaN: true }),
      y: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  }),
  window: fc.oneof(
    fc.constant({ kind: "whole" as const }),
    fc.constantFrom(0.001, 0.01, 0.05).map((cut) => ({ kind: "percentile" as const, cut })),
    fc.record({ kind: fc.constant("fixed" as const), low: fc.integer(), high: fc.integer() }),
  ),
  mode: fc.constantFrom(...COMPARE_MODES.map(({ mode }) => mode)),
  split: fc.integer({ min: 0, max: 10_000 }).map((n) => n / 10_000),
  gain: fc.integer({ min: 1, max: MAX_GAIN }),
}) satisfies fc.Arbitrary<Inspect>;

test("what the address holds comes back", () => {
  fc.assert(
    fc.property(inspects, (inspect) => {
      const back = inspectFromText(textFromInspect(inspect));
      expect({ ...back, view: null }).toEqual({ ...inspect, view: null });
      expect(back.view.zoom).toBeCloseTo(inspect.view.zoom, 3);
    }),
  );
});

test("the start is no text at all", () => {
  expect(textFromInspect(INSPECT)).toBe("");
  expect(inspectFromText("")).toEqual(INSPECT);
});

test.each([
  ["mode:nonsense;gain:0;split:7;zoom:x;window:<b>", { ...INSPECT, split: 1 }],
  ["gain:1e9", { ...INSPECT, gain: MAX_GAIN }],
  [";;:;a:b:c", INSPECT],
])("%j is read as far as it makes sense", (text, expected) => {
  expect(inspectFromText(text)).toEqual({ ...expected, view: FIT });
});
