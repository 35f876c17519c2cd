/** Differences of two pictures, pixel by pixel. */

import type { Difference as ServerDifference } from "../api/types";
import type { Samples } from "./png";
import { numberFrom } from "./record";

/** How far two pictures are from each other. */
export interface DifferenceNumbers {
  /** Mean absolute difference over pixels and channels, in values of the pictures. */
  mean: number;
  max: number;
  /** Peak signal-to-noise ratio in dB; infinite for equal pictures. */
  psnr: number;
  /** Pixels with any difference. */
  numDifferent: number;
  numPixels: number;
  /** The largest value that the pictures can hold: 255 or 65535. */
  peak: number;
  /** Whether the second picture had another size, and was scaled with nearest neighbour. */
  isScaled: boolean;
}

export interface Difference extends DifferenceNumbers {
  /** Largest channel's absolute difference at each pixel, in 255ths of the range. */
  values: Float32Array;
  width: number;
  height: number;
}

/** Compare two pictures at the size of the first; grey counts as RGB, alpha is left out. */
export function differenceOf(a: Samples, b: Samples): Difference {
  const { width, height } = a;
  const isScaled = b.width !== width || b.height !== height;
  const peak = a.bitDepth === 16 || b.bitDepth === 16 ? 65535 : 255;
  const gains = [a, b].map(({ bitDepth }) => (peak === 65535 && bitDepth === 8 ? 257 : 1));
  const read = { a: colorsOf(a), b: colorsOf(b) };
  const channels = read.a === 1 && read.b === 1 ? 1 : 3;
  const values = new Float32Array(width * height);
  const columns = Int32Array.from({ length: width }, (_, x) => centre(x, width, b.width));
  let sum = 0;
  let sumOfSquares = 0;
  let max = 0;
  let numDifferent = 0;
  for (let y = 0, i = 0; y < height; y++) {
    const row = centre(y, height, b.height) * b.width;
    for (let x = 0; x < width; x++, i++) {
      const fromA = i * a.channels;
      const fromB = (row + columns[x]!) * b.channels;
      let largest = 0;
      for (let c = 0; c < channels; c++) {
        const va = a.values[fromA + (read.a === 1 ? 0 : c)]! * gains[0]!;
        const vb = b.values[fromB + (read.b === 1 ? 0 : c)]! * gains[1]!;
        const d = Math.abs(va - vb);
        sum += d;
        sumOfSquares += d * d;
        if (d > largest) largest = d;
      }
      values[i] = (largest * 255) / peak;
      if (largest > max) max = largest;
      if (largest) numDifferent++;
    }
  }
  const n = width * height * channels;
  const psnr = 10 * Math.log10((peak * peak * n) / sumOfSquares);
  return {
    values,
    width,
    height,
    mean: sum / n,
    max,
    psnr,
    numDifferent,
    numPixels: values.length,
    peak,
    isScaled,
  };
}

/** The same from the server, for files that browsers do not decode; its peak is that of the dtype. */
export function numbersFromServer(found: ServerDifference): DifferenceNumbers {
  const peak = PEAKS[found.dtype] ?? 1;
  const error = numberFrom(found.root_mean_square);
  return {
    mean: numberFrom(found.mean_absolute),
    max: numberFrom(found.max_absolute),
    psnr: error ? 20 * Math.log10(peak / error) : Infinity,
    numDifferent: found.num_pixels_different,
    numPixels: found.width * found.height,
    peak,
    isScaled: false,
  };
}

const PEAKS: Record<string, number> = { uint8: 255, uint16: 65535, uint32: 2 ** 32 - 1, int32: 2 ** 31 - 1 };

/** Grey RGBA pixels of a difference, made brighter by `gain`. */
export function differencePixels(difference: Difference, gain: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(difference.values.length * 4);
  for (let i = 0, to = 0; i < difference.values.length; i++, to += 4) {
    const value = difference.values[i]! * gain;
    pixels[to] = pixels[to + 1] = pixels[to + 2] = value;
    pixels[to + 3] = 255;
  }
  return pixels;
}

/** Decibels as they are printed. */
export function psnrText(psnr: number): string {
  return Number.isFinite(psnr) ? `${psnr.toFixed(2)} dB` : "∞ (equal)";
}

function colorsOf({ channels }: Samples): 1 | 3 {
  return channels < 3 ? 1 : 3;
}

function centre(i: number, size: number, own: number): number {
  return Math.floor(((2 * i + 1) * own) / (2 * size));
}
