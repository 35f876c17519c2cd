import { expect, test } from "vitest";
import type { ImageRecord } from "../api/types";
import { overlayOptions, sliderRange } from "./overlayOptions";

const LABELS = [
  { id: 0, name: "background" },
  { id: 1, name: "cat" },
  { id: 2, name: "class 10" },
  { id: 3, name: "class 9" },
];

const record = (parts: object) => ({ width: 10, height: 10, ...parts }) as unknown as ImageRecord;

const FIRST = record({
  boxes: [
    {
      name: "found",
      xyxy: [
        [0, 0, 1, 1],
        [0, 0, 2, 2],
      ],
      class_id: [1, 7],
      scores: [{ name: "p", values: [0.25, null] }],
      class_labels: LABELS,
    },
  ],
  masks: [{ name: "truth", member: "m", dtype: "uint8", width: 10, height: 10, class_labels: LABELS }],
});
const SECOND = record({
  boxes: [{ name: "found", xyxy: [[0, 0, 1, 1]], class_id: [1], scores: [{ name: "p", values: [3] }], class_labels: LABELS }],
});

test("layers, classes and scores of several pictures are joined", () => {
  const { layers, classes, scores } = overlayOptions([FIRST, SECOND]);
  expect(layers.map(({ id }) => id)).toEqual(["boxes/found", "masks/truth"]);
  expect(classes.map(({ name, numBoxes }) => [name, numBoxes])).toEqual([
    ["cat", 2],
    ["class 9", 0],
    ["class 10", 0],
    ["class_7", 1],
  ]);
  expect(classes[0]!.layers).toEqual(["boxes/found", "masks/truth"]);
  expect(scores).toEqual([{ name: "p", min: 0.25, max: 3 }]);
});

test("nothing offers nothing", () => {
  expect(overlayOptions([])).toEqual({ layers: [], classes: [], scores: [] });
  expect(overlayOptions([record({})])).toEqual({ layers: [], classes: [], scores: [] });
});

test.each([
  { min: 0.2, max: 0.9, range: { low: 0, high: 1, step: 0.01 } },
  { min: -5, max: 15, range: { low: -5, high: 15, step: 0.2 } },
  { min: 7, max: 7, range: { low: 7, high: 8, step: 0.01 } },
])("scores from $min to $max have a slider over $range", ({ min, max, range }) => {
  expect(sliderRange({ name: "p", min, max })).toEqual(range);
});
