import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gridLayoutOf, HEADER_PX, ratioOf } from "./gridLayout";
import { cellIn, columnsIn, inSight, layoutOf, totalHeight } from "./layout";
import { item } from "./testing";

describe("what is in sight", () => {
  it("is every entry that the window touches, and no other", () => {
    const heights = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(heights, fc.integer({ min: -200, max: 4000 }), fc.integer({ min: 0, max: 900 }), (all, top, height) => {
        const layout = layoutOf(all);
        const { first, end } = inSight(layout, top, height);
        all.forEach((_, i) => {
          const [from, to] = [layout.tops[i]!, layout.tops[i + 1]!];
          const isTouched = from <= top + height && to > top;
          expect(i >= first && i < end).toBe(isTouched);
        });
      }),
    );
  });

  it("is nothing of nothing", () => {
    expect(inSight(layoutOf([]), 0, 500)).toEqual({ first: 0, end: 0 });
    expect(totalHeight(layoutOf([]))).toBe(0);
  });

  it("takes no time to find among 100,000", () => {
    const layout = layoutOf(Array.from({ length: 100_000 }, () => 100));
    expect(inSight(layout, 5_000_000, 900)).toEqual({ first: 50_000, end: 50_010 });
  });
});

describe("cells", () => {
  it("fill the width", () => {
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 3000 }), fc.integer({ min: 64, max: 600 }), (width, wanted) => {
        const columns = columnsIn(width, wanted, 8);
        const cell = cellIn(width, columns, 8);
        const used = columns * (cell + 8) - 8;
        expect(used).toBeLessThanOrEqual(width);
        expect(width - used).toBeLessThan(columns);
        if (columns > 1) expect(cell).toBeGreaterThanOrEqual(wanted);
      }),
    );
  });

  it.each([
    [[{ width: 4, height: 3 }], 0.75],
    [[{ width: 4, height: 3 }, { width: 1, height: 1 }], 1],
    [[{ width: 1, height: 10_000 }], 1.25],
    [[{ width: 10_000, height: 1 }], 0.4],
  ])("are as tall as their tallest picture, within bounds: %j", (sizes, ratio) => {
    expect(ratioOf(sizes.map((size, i) => item(i, undefined, size)))).toBe(ratio);
  });
});

describe("the grid's layout", () => {
  it("has a header and the lines of each row", () => {
    const content = { items: [item(0), item(1), item(2)], groups: [{ label: "", size: 3 }], isStale: false };
    const row = { id: "a/val", pairs: [] };
    const layout = gridLayoutOf([{ row, content, ratio: 0.5 }], 2, 100);
    expect(layout.entries.map(({ line }) => line?.cells.map(({ index }) => index))).toEqual([undefined, [0, 1], [2]]);
    expect(layout.tops).toEqual([0, HEADER_PX, HEADER_PX + 103, HEADER_PX + 206]);
  });

  it("makes each line as tall as its own pictures, and an unknown one as tall as those before", () => {
    const items = [item(0, undefined, { width: 2, height: 1 }), item(1, undefined, { width: 1, height: 1 })];
    const row = { id: "a/val", pairs: [] };
    const content = { items, groups: [{ label: "", size: 3 }], isStale: false };
    const { entries } = gridLayoutOf([{ row, content, ratio: 0.6 }], 1, 100);
    expect(entries.map(({ pictureHeight }) => pictureHeight)).toEqual([0, 50, 100, 60]);
  });
});
