import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { grouped, keysOf, linesOf, pairsOf, rowsOf } from "./rows";
import { item, run } from "./testing";

describe("rows", () => {
  const runs = [run("a", ["val", "train"]), run("b", ["train"])];

  it("have each key of each run that is shown", () => {
    expect(pairsOf(runs, null).map(({ id }) => id)).toEqual(["a/val", "a/train", "b/train"]);
    expect(pairsOf(runs, ["train"]).map(({ id }) => id)).toEqual(["a/train", "b/train"]);
    expect(pairsOf(runs, [])).toEqual([]);
    expect(keysOf(runs)).toEqual(["val", "train"]);
  });

  it("of keys keep the runs of a key together", () => {
    const pairs = pairsOf([runs[1]!, runs[0]!], null);
    expect(rowsOf("keys", pairs).map(({ id }) => id)).toEqual(["b/train", "a/train", "a/val"]);
  });

  it("of groups are one for each group, and for each place where nothing is grouped", () => {
    const found = rowsOf("groups", pairsOf(runs, null), [item(0, "cat"), item(1), item(2, "cat"), item(3, 7)]);
    expect(found.map(({ group }) => group)).toEqual(["cat", "image 1", "7"]);
  });
});

describe("groups", () => {
  it("are kept together in the order of their first image", () => {
    const { items, groups } = grouped([item(0, "a"), item(1, "b"), item(2, "a"), item(3, "b")]);
    expect(items.map(({ index }) => index)).toEqual([0, 2, 1, 3]);
    expect(groups).toEqual([
      { label: "a", size: 2 },
      { label: "b", size: 2 },
    ]);
  });

  it.each([
    ["none is named", [item(0), item(1)]],
    ["each image is its own", [item(0, "a"), item(1, "b")]],
    ["all are of one", [item(0, "a"), item(1, "a")]],
  ])("keep nothing apart where %s", (_, items) => {
    expect(grouped(items)).toEqual({ items, groups: [{ label: "", size: 2 }] });
  });

  it("are none without images", () => {
    expect(grouped([])).toEqual({ items: [], groups: [] });
  });
});

describe("lines", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 8 });

  it("hold every image once, in order, within the columns", () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 9 }), (groups, columns) => {
        const lines = linesOf(groups.map((size, i) => ({ label: `g${i}`, size })), columns);
        const cells = lines.flatMap((line) => line.cells);
        expect(cells.map(({ index }) => index)).toEqual(cells.map((_, i) => i));
        expect(cells.length).toBe(groups.reduce((a, b) => a + b, 0));
        expect(cells.every(({ column }) => column >= 0 && column < columns)).toBe(true);
      }),
    );
  });

  it("never break a group that fits into one", () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 9 }), (groups, columns) => {
        const lines = linesOf(groups.map((size, i) => ({ label: `g${i}`, size })), columns);
        groups.forEach((size, i) => {
          const parts = lines.flatMap((line) => line.labels.filter(({ text }) => text === `g${i}`));
          if (size <= columns) expect(parts.length).toBe(1);
          expect(parts.reduce((sum, { span }) => sum + span, 0)).toBe(size);
        });
      }),
    );
  });
});
