import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePng, isExactPng, PngError } from "./png";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

function chunk(name: string, data: Uint8Array): number[] {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, data.length);
  return [...length, ...new TextEncoder().encode(name), ...data, 0, 0, 0, 0];
}

interface Options {
  width: number;
  height: number;
  bitDepth?: number;
  colorType?: number;
  interlace?: number;
  parts?: number;
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A file whose rows are filtered already. */
async function png(
  rows: Uint8Array<ArrayBuffer>,
  { width, height, bitDepth = 8, colorType = 0, interlace = 0, parts = 1 }: Options,
) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([bitDepth, colorType, 0, 0, interlace], 8);
  const deflated = await deflate(rows);
  const size = Math.ceil(deflated.length / parts);
  const data = Array.from({ length: parts }, (_, i) => deflated.subarray(i * size, (i + 1) * size));
  return new Uint8Array([
    ...SIGNATURE,
    ...chunk("IHDR", header),
    ...data.flatMap((part) => chunk("IDAT", part)),
    ...chunk("IEND", new Uint8Array()),
  ]);
}

/** Filter rows as an encoder does: the inverse of what is tested. */
function filtered(raw: Uint8Array, height: number, bpp: number, filters: number[]): Uint8Array<ArrayBuffer> {
  const rowBytes = raw.length / height;
  const out: number[] = [];
  for (let y = 0; y < height; y++) {
    const filter = filters[y % filters.length]!;
    out.push(filter);
    for (let i = 0; i < rowBytes; i++) {
      const a = i < bpp ? 0 : raw[y * rowBytes + i - bpp]!;
      const b = y ? raw[(y - 1) * rowBytes + i]! : 0;
      const c = y && i >= bpp ? raw[(y - 1) * rowBytes + i - bpp]! : 0;
      const p = a + b - c;
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)] as const;
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      const guess = [0, a, b, (a + b) >> 1, paeth][filter]!;
      out.push((raw[y * rowBytes + i]! - guess) & 255);
    }
  }
  return Uint8Array.from(out);
}

const kinds = [
  { colorType: 0, channels: 1 },
  { colorType: 2, channels: 3 },
  { colorType: 4, channels: 2 },
  { colorType: 6, channels: 4 },
];

describe.each(kinds)("of $channels channels", ({ colorType, channels }) => {
  test.each([8, 16] as const)("%i bits come back exactly under every filter", async (bitDepth) => {
    const sample = fc
      .record({ width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }) })
      .chain(({ width, height }) =>
        fc.record({
          width: fc.constant(width),
          height: fc.constant(height),
          values: fc.array(fc.nat((1 << bitDepth) - 1), {
            minLength: width * height * channels,
            maxLength: width * height * channels,
          }),
          filters: fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }),
          parts: fc.integer({ min: 1, max: 4 }),
        }),
      );
    await fc.assert(
      fc.asyncProperty(sample, async ({ width, height, values, filters, parts }) => {
        const raw = Uint8Array.from(
          bitDepth === 8 ? values : values.flatMap((value) => [value >> 8, value & 255]),
        );
        const rows = filtered(raw, height, (channels * bitDepth) / 8, filters);
        const found = await decodePng(await png(rows, { width, height, bitDepth, colorType, parts }));
        expect({ ...found, values: [...found.values] }).toEqual({
          width,
          height,
          channels,
          bitDepth,
          values,
        });
      }),
      { numRuns: 60 },
    );
  });
});

test.each([
  { what: "a palette", options: { colorType: 3 } },
  { what: "4 bits", options: { bitDepth: 4 } },
  { what: "interlacing", options: { interlace: 1 } },
  { what: "no pixels", options: { width: 0 } },
  { what: "a bomb's size", options: { width: 1 << 20, height: 1 << 20 } },
])("$what is left to the browser or the server", async ({ options }) => {
  const file = await png(new Uint8Array([0, 1]), { width: 1, height: 1, ...options });
  expect(isExactPng(file)).toBe(false);
  await expect(decodePng(file)).rejects.toThrow(PngError);
});

test.each([
  { what: "nothing", bytes: new Uint8Array() },
  { what: "text", bytes: new TextEncoder().encode("<svg onload=alert(1)> and more and more") },
  { what: "a cut file", bytes: (await png(new Uint8Array([0, 1]), { width: 1, height: 1 })).slice(0, 45) },
  { what: "too few rows", bytes: await png(new Uint8Array([0, 1]), { width: 1, height: 9 }) },
  { what: "an unknown filter", bytes: await png(new Uint8Array([9, 1]), { width: 1, height: 1 }) },
])("$what is an error that says so", async ({ bytes }) => {
  await expect(decodePng(bytes)).rejects.toThrow(PngError);
});

test("more rows than the header says are not read", async () => {
  const found = await decodePng(await png(new Uint8Array(2_000_000), { width: 1, height: 1 }));
  expect([...found.values]).toEqual([0]);
});
