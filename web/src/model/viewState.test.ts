import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CELL_MAX, CELL_MIN, fromUrl, START, toUrl, type Place, type ViewState } from "./viewState";

/** Any text but lone surrogates, which no URL can hold. */
const anyText = fc.string({ unit: "grapheme" });
const place: fc.Arbitrary<Place> = fc.record({
  run: anyText,
  key: anyText,
  step: fc.maxSafeInteger(),
  index: fc.nat(),
});
const texts = fc.option(fc.array(fc.oneof(anyText, fc.constantFrom("", "\\", "\\\\"))));
const state: fc.Arbitrary<ViewState> = fc.record({
  view: fc.constantFrom("grid", "filmstrip", "find", "focus", "compare"),
  runs: texts,
  keys: texts,
  rows: fc.constantFrom("runs", "keys", "groups"),
  axis: anyText,
  at: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  cell: fc.integer({ min: CELL_MIN, max: CELL_MAX }),
  query: anyText,
  series: fc.option(anyText),
  place: fc.option(place),
  other: fc.option(place),
  overlays: anyText,
  inspect: anyText,
});

describe("the state in the URL", () => {
  it("comes back exactly, whatever it is", () => {
    fc.assert(
      fc.property(state, (any) => {
        expect(fromUrl(toUrl(any))).toEqual(any);
      }),
    );
  });

  it("is nothing at the start", () => {
    expect(toUrl(START)).toBe("");
    expect(fromUrl("")).toEqual(START);
  });

  it("is readable", () => {
    const some: ViewState = {
      ...START,
      view: "focus",
      runs: ["a1", "b2"],
      at: 12,
      query: "class:cat loss<0.3",
      place: { run: "a1", key: "val/images", step: 7, index: 0 },
    };
    expect(toUrl(some)).toBe(
      "?view=focus&runs=a1&runs=b2&at=12&query=class:cat+loss%3C0.3&place=a1/val%252Fimages/7/0",
    );
  });

  it.each([
    "?view=nothing",
    "?at=soon",
    "?at=",
    "?cell=wide",
    "?place=a/b/c/d",
    "?place=a/b/1",
    "?place=%25/b/1/0",
    "?place=a/b/1/-1",
    "?rows=columns",
    "?token=secret",
  ])("falls back to the start where it is broken: %s", (query) => {
    expect(fromUrl(query)).toEqual(START);
  });

  it("keeps a cell's width within bounds", () => {
    expect(fromUrl("?cell=1").cell).toBe(CELL_MIN);
    expect(fromUrl("?cell=99999").cell).toBe(CELL_MAX);
  });
});
