import { expect, test } from "vitest";
import type { Item } from "../api/types";
import { shownAt } from "./data";

const item = (key: string, step: number, index = 0) => ({ key, step, index }) as Item;
const ITEMS = [item("a", 0), item("a", 10, 0), item("a", 10, 1), item("b", 5)];

test.each([
  { at: -1, shown: { a: [], b: [] } },
  { at: 0, shown: { a: ["0/0"], b: [] } },
  { at: 7, shown: { a: ["0/0"], b: ["5/0"] } },
  { at: 10, shown: { a: ["10/0", "10/1"], b: ["5/0"] } },
])("at step $at each key shows its newest images", ({ at, shown }) => {
  const found = shownAt(ITEMS, at).map(({ key, items }) => [
    key,
    items.map(({ step, index }) => `${step}/${index}`),
  ]);
  expect(Object.fromEntries(found)).toEqual(shown);
});

test("nothing shows nothing", () => expect(shownAt([], 3)).toEqual([]));
