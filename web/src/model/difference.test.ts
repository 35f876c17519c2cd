import { describe, expect, test } from "vitest";
import { differenceOf, differencePixels, numbersFromServer, psnrText } from "./difference";
import type { Samples } from "./png";

function samples(values: number[], width: number, channels = 1, bitDepth: 8 | 16 = 8): Samples {
  const type = bitDepth === 8 ? Uint8Array : Uint16Array;
  return { width, height: values.length / width / channels, channels, bitDepth, values: type.from(values) };
}

test("equal pictures have no difference and an infinite PSNR", () => {
  const found = differenceOf(samples([1, 2, 3, 4], 2), samples([1, 2, 3, 4], 2));
  expect(found).toMatchObject({ mean: 0, max: 0, psnr: Infinity, numDifferent: 0, isScaled: false });
  expect(psnrText(found.psnr)).toBe("∞ (equal)");
});

test("mean, largest and PSNR are over all channels", () => {
  const found = differenceOf(samples([0, 0, 0, 10, 10, 10], 2, 3), samples([30, 0, 0, 10, 10, 10], 2, 3));
  expect(found).toMatchObject({ mean: 5, max: 30, numDifferent: 1, peak: 255 });
  expect(found.psnr).toBeCloseTo(10 * Math.log10((255 * 255) / (900 / 6)), 9);
  expect([...found.values]).toEqual([30, 0]);
});

test("order makes no difference", () => {
  const [a, b] = [samples([0, 200], 2), samples([90, 100], 2)];
  expect(differenceOf(a, b).values).toEqual(differenceOf(b, a).values);
});

test("alpha takes no part", () => {
  const found = differenceOf(samples([1, 2, 3, 0], 1, 4), samples([1, 2, 3, 255], 1, 4));
  expect(found.max).toBe(0);
});

test("grey is compared with colour", () => {
  expect(differenceOf(samples([7], 1), samples([7, 7, 9], 1, 3)).max).toBe(2);
});

describe("sizes", () => {
  test("another size is scaled to the first with nearest neighbour, and said", () => {
    const found = differenceOf(samples([1, 1, 5, 5], 4), samples([1, 5], 2));
    expect(found).toMatchObject({ width: 4, height: 1, max: 0, isScaled: true });
  });

  test("the same size is not scaled", () => {
    expect(differenceOf(samples([1], 1), samples([1], 1)).isScaled).toBe(false);
  });
});

test("16 bits are compared as they are, 8 bits brought to them", () => {
  const found = differenceOf(samples([65535], 1, 1, 16), samples([254], 1));
  expect(found).toMatchObject({ mean: 257, max: 257, peak: 65535 });
  expect(found.values[0]).toBeCloseTo(1, 6);
});

test("gain makes differences brighter, and cuts at white", () => {
  const found = differenceOf(samples([0, 0], 2), samples([10, 200], 2));
  expect([...differencePixels(found, 4)]).toEqual([40, 40, 40, 255, 255, 255, 255, 255]);
});

test("what the server says is read as what is computed here", () => {
  const found = numbersFromServer({
    width: 4,
    height: 2,
    channels: 1,
    dtype: "uint16",
    mean_absolute: 2.5,
    max_absolute: 10,
    root_mean_square: 65.535,
    num_pixels_different: 3,
  });
  expect(found).toEqual({
    mean: 2.5,
    max: 10,
    psnr: 60,
    numDifferent: 3,
    numPixels: 8,
    peak: 65535,
    isScaled: false,
  });
});
