import { describe, expect, test } from "vitest";
import golden from "../../../tests/golden/masks.json";
import {
  areas,
  contourPixels,
  decodeMask,
  edgesOf,
  idAt,
  maskDifference,
  regionPixels,
  scaledMask,
  seenMask,
  type Mask,
} from "./masks";

function mask(rows: number[][], type: Uint8ArrayConstructor | Uint32ArrayConstructor = Uint8Array): Mask {
  return { width: rows[0]!.length, height: rows.length, ids: type.from(rows.flat()) };
}

function rowsOf({ width, height, ids }: Mask): number[][] {
  return Array.from({ length: height }, (_, y) => [...ids.slice(y * width, (y + 1) * width)]);
}

test.each(golden)("$name: the ids that Python stored come back", async ({ png, ids, dtype }) => {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  const found = await decodeMask(bytes);
  expect(rowsOf(found)).toEqual(ids);
  expect(`${found.ids.constructor.name.toLowerCase()}`).toBe(`${dtype}array`);
});

test("a scaled mask takes the id under each centre, and never one in between", () => {
  const small = mask([
    [1, 2],
    [3, 4],
  ]);
  expect(rowsOf(scaledMask(small, { width: 4, height: 2 }))).toEqual([
    [1, 1, 2, 2],
    [3, 3, 4, 4],
  ]);
  expect(rowsOf(scaledMask(mask([[1, 2, 3, 4, 5, 6]]), { width: 3, height: 1 }))).toEqual([[2, 4, 6]]);
});

describe("what a panel shows of a mask", () => {
  const whole = mask([
    [1, 2],
    [3, 4],
  ]);
  const drawn = { left: 0, top: 0, right: 6, bottom: 4 };

  test("is the scaled mask when all of it is seen", () => {
    expect(seenMask(whole, drawn, drawn)).toEqual(scaledMask(whole, { width: 6, height: 4 }));
  });

  test("is the part inside the panel", () => {
    expect(rowsOf(seenMask(whole, drawn, { left: 2, top: 1, right: 5, bottom: 3 }))).toEqual([
      [1, 2, 2],
      [3, 4, 4],
    ]);
  });

  test("goes with a picture that stands between pixels and beyond the panel", () => {
    const far = { left: -1000.25, top: -0.5, right: 1000.25, bottom: 3.5 };
    expect(rowsOf(seenMask(whole, far, { left: 0, top: 0, right: 2, bottom: 3 }))).toEqual([
      [2, 2],
      [4, 4],
      [4, 4],
    ]);
  });
});

test("scaling to less than a pixel leaves one", () => {
  expect(rowsOf(scaledMask(mask([[1, 2, 3]]), { width: 0.2, height: 0.1 }))).toEqual([[2]]);
});

test.each([
  { x: 0, y: 0, id: 1 },
  { x: 4, y: 0, id: 1 },
  { x: 5, y: 0, id: 2 },
  { x: 9, y: 9, id: 4 },
])("the id at ($x, $y) is that of a smaller mask", ({ x, y, id }) => {
  const small = mask([
    [1, 2],
    [3, 4],
  ]);
  expect(idAt(small, x, y, { width: 10, height: 10 })).toBe(id);
});

test.each([Uint8Array, Uint32Array])("areas count pixels by id", (type) => {
  expect([...areas(mask([[0, 3, 3]], type as never))].sort()).toEqual([
    [0, 1],
    [3, 2],
  ]);
});

describe("tints", () => {
  const tint = (id: number) => (id ? "#102030" : undefined);

  test("clear ids stay clear, the rest has its colour", () => {
    expect([...regionPixels(mask([[0, 1]]), tint)]).toEqual([0, 0, 0, 0, 0x10, 0x20, 0x30, 255]);
  });

  test("contours are the pixels beside another id", () => {
    const pixels = contourPixels(mask([[1, 1, 1, 0]]), tint);
    expect([pixels[3], pixels[7], pixels[11], pixels[15]]).toEqual([0, 0, 255, 0]);
    expect([...pixels.slice(8, 12)]).toEqual([0x10, 0x20, 0x30, 255]);
  });

  test("contours are found above and below as well", () => {
    const pixels = contourPixels(mask([[1], [2], [2], [2]]), tint);
    expect([pixels[3], pixels[7], pixels[11], pixels[15]]).toEqual([255, 255, 0, 0]);
  });

  test("ids up to the largest have colours", () => {
    expect([...regionPixels(mask([[4294967295]], Uint32Array), tint)]).toEqual([0x10, 0x20, 0x30, 255]);
  });
});

test("edges go straight as long as they can, between tinted regions only", () => {
  const found = edgesOf(
    mask([
      [0, 0, 0],
      [1, 1, 2],
    ]),
    (id) => (id ? "#ffffff" : undefined),
  );
  expect(found).toEqual([
    { x1: 0, y1: 1, x2: 2, y2: 1, id: 1 },
    { x1: 2, y1: 1, x2: 3, y2: 1, id: 2 },
    { x1: 2, y1: 1, x2: 2, y2: 2, id: 2 },
  ]);
  expect(edgesOf(mask([[5, 6]]), () => undefined)).toEqual([]);
});

describe("two masks", () => {
  const nameOf = (names: string[]) => (id: number) => names[id] ?? `class_${id}`;

  test("are compared by the names of their classes, not by ids", () => {
    const a = mask([[0, 1, 2, 1]]);
    const b = mask([[0, 2, 1, 1]]);
    const found = maskDifference(a, b, nameOf(["", "cat", "dog"]), nameOf(["", "dog", "cat"]));
    expect(found.numDifferent).toBe(1);
    expect(found.names).toEqual(["cat"]);
    expect(rowsOf(found.mask)).toEqual([[0, 0, 0, 1]]);
  });

  test("show the second where the first has background", () => {
    const found = maskDifference(mask([[0, 1]]), mask([[1, 0]]), nameOf(["", "cat"]), nameOf(["", "dog"]));
    expect(rowsOf(found.mask).map((row) => row.map((place) => found.names[place - 1]))).toEqual([
      ["dog", "cat"],
    ]);
  });

  test("may have different sizes and the largest ids", () => {
    const a = mask([[4294967295, 4294967295]], Uint32Array);
    const found = maskDifference(a, mask([[3]]), nameOf([]), nameOf([]));
    expect([found.numDifferent, found.names]).toEqual([2, ["class_4294967295"]]);
  });
});
