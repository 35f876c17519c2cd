/** Window and level: which values of a picture are black and which are white. */

export interface Window {
  low: number;
  high: number;
}

/** How the window of a picture is chosen. */
export type WindowChoice =
  | { kind: "whole" } // 0 to 255, or smallest to largest of 16 bits
  | { kind: "percentile"; cut: number } // this share is cut at each end
  | { kind: "fixed"; low: number; high: number };

export const WHOLE: WindowChoice = { kind: "whole" };

/** How often each value occurs, of all channels together; alpha is left out. */
export interface Histogram {
  counts: Uint32Array;
  /** Number of samples. */
  total: number;
  min: number;
  max: number;
  bitDepth: 8 | 16;
}

export function histogramOf(values: ArrayLike<number>, channels: number, bitDepth: 8 | 16): Histogram {
  const counts = new Uint32Array(1 << bitDepth);
  const colors = channels === 2 || channels === 4 ? channels - 1 : channels;
  for (let i = 0; i < values.length; i += channels) {
    for (let c = 0; c < colors; c++) counts[values[i + c]!]!++;
  }
  let min = 0;
  let max = counts.length - 1;
  while (min < max && !counts[min]) min++;
  while (max > min && !counts[max]) max--;
  return { counts, total: (values.length / channels) * colors, min, max, bitDepth };
}

/** The value below which this share of the samples lies, 0 to 1. */
export function quantile(histogram: Histogram, share: number): number {
  const wanted = share * (histogram.total - 1);
  let seen = 0;
  for (let value = histogram.min; value <= histogram.max; value++) {
    seen += histogram.counts[value]!;
    if (seen > wanted) return value;
  }
  return histogram.max;
}

export function windowOf(choice: WindowChoice, histogram: Histogram): Window {
  if (choice.kind === "fixed") return { low: choice.low, high: choice.high };
  if (choice.kind === "percentile") {
    const low = quantile(histogram, choice.cut);
    return { low, high: quantile(histogram, 1 - choice.cut) };
  }
  return histogram.bitDepth === 8 ? { low: 0, high: 255 } : { low: histogram.min, high: histogram.max };
}

/** Whether 8-bit pixels can be shown as they are. */
export function isWholeWindow(window: Window, bitDepth: 8 | 16): boolean {
  return bitDepth === 8 && window.low === 0 && window.high === 255;
}

/** The brightness on the screen, 0 to 255, of each value. */
export function windowTable(window: Window, bitDepth: 8 | 16): Uint8ClampedArray {
  const table = new Uint8ClampedArray(1 << bitDepth);
  const span = window.high - window.low;
  for (let value = 0; value < table.length; value++) {
    table[value] = span > 0 ? ((value - window.low) / span) * 255 : value > window.high ? 255 : 0;
  }
  return table;
}

/** RGBA pixels of samples seen through a table; grey becomes RGB, alpha stays. */
export function windowedPixels(
  values: ArrayLike<number>,
  channels: number,
  bitDepth: 8 | 16,
  table: Uint8ClampedArray,
): Uint8ClampedArray<ArrayBuffer> {
  const count = values.length / channels;
  const pixels = new Uint8ClampedArray(count * 4);
  const isGray = channels < 3;
  const hasAlpha = channels === 2 || channels === 4;
  for (let i = 0, from = 0, to = 0; i < count; i++, from += channels, to += 4) {
    pixels[to] = table[values[from]!]!;
    pixels[to + 1] = isGray ? pixels[to]! : table[values[from + 1]!]!;
    pixels[to + 2] = isGray ? pixels[to]! : table[values[from + 2]!]!;
    const alpha = hasAlpha ? values[from + channels - 1]! : 255;
    pixels[to + 3] = hasAlpha && bitDepth === 16 ? alpha >> 8 : alpha;
  }
  return pixels;
}

/** The window as it stands in the address: `whole`, `p1`, `120,4000`. */
export function textFromChoice(choice: WindowChoice): string {
  if (choice.kind === "whole") return "";
  if (choice.kind === "percentile") return `p${Number((choice.cut * 100).toPrecision(4))}`;
  return `${choice.low},${choice.high}`;
}

/** The choice that `textFromChoice` wrote; all of the range for anything else. */
export function choiceFromText(text: string | null | undefined): WindowChoice {
  const percent = /^p(\d+(?:\.\d+)?)$/.exec(text ?? "");
  if (percent && Number(percent[1]) < 50) return { kind: "percentile", cut: Number(percent[1]) / 100 };
  const ends = (text ?? "").split(",").map((end) => (end.trim() ? Number(end) : NaN));
  if (ends.length === 2 && ends.every(Number.isFinite)) {
    return { kind: "fixed", low: ends[0]!, high: ends[1]! };
  }
  return WHOLE;
}
