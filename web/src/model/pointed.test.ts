import { describe, expect, test } from "vitest";
import type { ImageRecord } from "../api/types";
import { colorOf } from "./colors";
import { DEFAULT_STYLE } from "./overlays";
import { boxesAt, masksAt } from "./pointed";

const RECORD = {
  width: 10,
  height: 10,
  boxes: [
    {
      name: "found",
      xyxy: [
        [0, 0, 9, 9],
        [2, 2, 5, 5],
        [7, 7, 8, 8],
        ["NaN", 0, 1, 1],
      ],
    },
  ],
  masks: [
    {
      name: "truth",
      member: "m",
      dtype: "uint8",
      width: 2,
      height: 2,
      class_labels: [
        { id: 0, name: "background" },
        { id: 1, name: "cat" },
      ],
    },
  ],
} as unknown as ImageRecord;
const MASK = { width: 2, height: 2, ids: Uint8Array.from([0, 1, 1, 5]) };

describe("boxes", () => {
  test.each([
    { pixel: { x: 3, y: 3 }, found: [1, 0] },
    { pixel: { x: 7, y: 7 }, found: [2, 0] },
    { pixel: { x: 9, y: 9 }, found: [] },
  ])("at $pixel are $found, the smallest first", ({ pixel, found }) => {
    expect(boxesAt(RECORD, pixel, DEFAULT_STYLE).map(({ index }) => index)).toEqual(found);
  });

  test("that are hidden are not pointed at", () => {
    expect(boxesAt(RECORD, { x: 3, y: 3 }, { ...DEFAULT_STYLE, areBoxesOn: false })).toEqual([]);
  });
});

describe("masks", () => {
  test.each([
    { pixel: { x: 0, y: 0 }, id: 0, name: "background", color: "#8a939d" },
    { pixel: { x: 9, y: 0 }, id: 1, name: "cat", color: colorOf("cat") },
    { pixel: { x: 9, y: 9 }, id: 5, name: "class_5", color: colorOf("class_5") },
  ])("at $pixel have $name", ({ pixel, ...expected }) => {
    expect(masksAt(RECORD, pixel, DEFAULT_STYLE, () => MASK)).toEqual([{ layer: "truth", ...expected }]);
  });

  test("that are not loaded or not shown are left out", () => {
    expect(masksAt(RECORD, { x: 0, y: 0 }, DEFAULT_STYLE, () => undefined)).toEqual([]);
    const hidden = { ...DEFAULT_STYLE, hiddenLayers: ["masks/truth"] };
    expect(masksAt(RECORD, { x: 0, y: 0 }, hidden, () => MASK)).toEqual([]);
  });
});
