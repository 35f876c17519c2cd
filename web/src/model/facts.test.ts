import { expect, test } from "vitest";
import type { Item } from "../api/types";
import { factsOf, fileFacts, sourceFacts } from "./facts";

test("each leaf of free-form values is a row, inner names joined with dots", () => {
  const found = factsOf({
    camera: { side: "front", at: { x: 1.5 } },
    tags: ["a", "b"],
    worst: { $float: "-Infinity" },
    none: null,
    empty: {},
    text: "two\nlines",
  });
  expect(found).toEqual([
    { name: "camera.side", text: "front" },
    { name: "camera.at.x", text: "1.5" },
    { name: "tags", text: '["a","b"]' },
    { name: "worst", text: "-Infinity" },
    { name: "none", text: "null" },
    { name: "empty", text: "{}" },
    { name: "text", text: "two\nlines" },
  ]);
});

test("thousands of leaves are cut at what can be read", () => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i]));
  expect(factsOf(many)).toHaveLength(500);
});

const item = (source: object) =>
  ({
    digest: "ab",
    record: {
      width: 4,
      height: 3,
      mode: "RGB",
      format: "png",
      time: 0,
      grouping: 0,
      source: { kind: "numpy", ...source },
      members: [{ name: "png", size_bytes: 2048, sha256: "ab" }],
    },
  }) as unknown as Item;

test("the source says dtype, shape, values, NaN and what the rule did", () => {
  const found = sourceFacts(
    item({ dtype: "float32", shape: [3, 4], min: -1, max: "Infinity", nan_count: 2, rule: "clip", clipped: true }),
  );
  expect(found.map(({ text }) => text)).toEqual([
    "numpy",
    "float32",
    "3 × 4",
    "-1 to Infinity",
    "2",
    "values are within 0 to 255",
    "values outside were cut to the ends",
  ]);
});

test("what is absent has no row", () => {
  expect(sourceFacts(item({})).map(({ name }) => name)).toEqual(["from", "rule"]);
});

test("the file says size, mode, bytes, group and digest", () => {
  const found = new Map(fileFacts(item({})).map(({ name, text }) => [name, text]));
  expect([found.get("size"), found.get("mode"), found.get("file"), found.get("group"), found.get("sha256")]).toEqual([
    "4 × 3",
    "RGB",
    "png, 2.0 kB",
    "0",
    "ab",
  ]);
});
