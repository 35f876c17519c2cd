import { expect, test } from "vitest";
import { Lru } from "./lru";

test("what was used longest ago goes first, and is said to go", () => {
  const gone: string[] = [];
  const lru = new Lru<string>(10, (value) => gone.push(value));
  lru.set("a", "A", 4);
  lru.set("b", "B", 4);
  expect(lru.get("a")).toBe("A");
  lru.set("c", "C", 4);
  expect([lru.get("a"), lru.get("b"), lru.get("c")]).toEqual(["A", undefined, "C"]);
  expect(gone).toEqual(["B"]);
  expect(lru.bytes).toBe(8);
});

test("the newest is kept even when it alone is too large", () => {
  const lru = new Lru<string>(10);
  lru.set("a", "A", 4);
  lru.set("huge", "H", 100);
  expect([lru.get("a"), lru.get("huge")]).toEqual([undefined, "H"]);
});

test("a key that is set again counts once", () => {
  const lru = new Lru<string>(10);
  lru.set("a", "A", 4);
  lru.set("a", "B", 6);
  expect([lru.get("a"), lru.bytes]).toEqual(["B", 6]);
});
