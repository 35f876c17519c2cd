import { describe, expect, test } from "vitest";
import {
  choiceFromText,
  histogramOf,
  isWholeWindow,
  quantile,
  textFromChoice,
  WHOLE,
  windowedPixels,
  windowOf,
  windowTable,
} from "./window";

const wide = histogramOf([1000, 2000, 3000, 4000], 1, 16);

test("a histogram counts colours and leaves alpha out", () => {
  const found = histogramOf([10, 20, 30, 0, 10, 10, 10, 255], 4, 8);
  expect([found.total, found.min, found.max, found.counts[10], found.counts[255]]).toEqual([6, 10, 30, 4, 0]);
});

test.each([
  { share: 0, value: 1000 },
  { share: 0.5, value: 2000 },
  { share: 1, value: 4000 },
])("a share of $share lies below $value", ({ share, value }) => {
  expect(quantile(wide, share)).toBe(value);
});

describe("the window", () => {
  test("of 8 bits is 0 to 255, of 16 bits the smallest to the largest value", () => {
    expect(windowOf(WHOLE, histogramOf([7, 9], 1, 8))).toEqual({ low: 0, high: 255 });
    expect(windowOf(WHOLE, wide)).toEqual({ low: 1000, high: 4000 });
  });

  test("cuts a share of the values at each end", () => {
    const values = Array.from({ length: 101 }, (_, i) => i);
    expect(windowOf({ kind: "percentile", cut: 0.05 }, histogramOf(values, 1, 8))).toEqual({
      low: 5,
      high: 95,
    });
  });

  test("can be fixed", () => {
    expect(windowOf({ kind: "fixed", low: -5, high: 70_000 }, wide)).toEqual({ low: -5, high: 70_000 });
  });
});

test("values through a window go from black to white and are cut outside", () => {
  const table = windowTable({ low: 1000, high: 3000 }, 16);
  expect([table[0], table[1000], table[2000], table[3000], table[65535]]).toEqual([0, 0, 128, 255, 255]);
});

test("a picture of one value is black, as in Python", () => {
  const table = windowTable({ low: 5, high: 5 }, 8);
  expect([table[4], table[5], table[6]]).toEqual([0, 0, 255]);
});

test.each([
  { what: "grey", values: [9], channels: 1, bitDepth: 8 as const, pixel: [9, 9, 9, 255] },
  { what: "grey and alpha", values: [9, 7], channels: 2, bitDepth: 8 as const, pixel: [9, 9, 9, 7] },
  { what: "colour", values: [1, 2, 3], channels: 3, bitDepth: 8 as const, pixel: [1, 2, 3, 255] },
  { what: "colour and alpha", values: [1, 2, 3, 4], channels: 4, bitDepth: 8 as const, pixel: [1, 2, 3, 4] },
  {
    what: "16 bits",
    values: [257, 514, 771, 65535],
    channels: 4,
    bitDepth: 16 as const,
    pixel: [1, 2, 3, 255],
  },
])("$what becomes RGBA", ({ values, channels, bitDepth, pixel }) => {
  const table = windowTable({ low: 0, high: (1 << bitDepth) - 1 }, bitDepth);
  expect([...windowedPixels(values, channels, bitDepth, table)]).toEqual(pixel);
});

test("8 bits need no window when all of it is shown", () => {
  expect(isWholeWindow({ low: 0, high: 255 }, 8)).toBe(true);
  expect(isWholeWindow({ low: 0, high: 255 }, 16)).toBe(false);
});

test.each([
  WHOLE,
  { kind: "percentile", cut: 0.001 } as const,
  { kind: "fixed", low: -3, high: 4.5 } as const,
])("%j comes back from its text", (choice) => expect(choiceFromText(textFromChoice(choice))).toEqual(choice));

test.each([null, undefined, "", "p", "p50", "p-1", "1", "1,2,3", "a,b", ",", "1,"])(
  "%j is all of the range",
  (text) => {
    expect(choiceFromText(text)).toEqual(WHOLE);
  },
);
