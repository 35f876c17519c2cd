import { expect, test } from "vitest";
import type { ImageRecord } from "../api/types";
import { isDecodable, thumbnailFor } from "./thumbnails";

function record(side: number, mode = "RGB", format = "png"): ImageRecord {
  return { width: side, height: Math.ceil(side / 2), mode, format } as ImageRecord;
}

test.each([
  { own: 4096, drawn: 200, size: 256 },
  { own: 4096, drawn: 256, size: 256 },
  { own: 4096, drawn: 257, size: 512 },
  { own: 4096, drawn: 1025, size: null },
  { own: 512, drawn: 300, size: null },
  { own: 28, drawn: 20, size: null },
  { own: 600, drawn: 300, size: 512 },
])("a side of $own drawn on $drawn pixels comes from $size", ({ own, drawn, size }) => {
  expect(thumbnailFor(record(own), drawn)).toBe(size);
});

test.each([
  { mode: "RGB", format: "tiff", is: false },
  { mode: "I;16", format: "png", is: true },
  { mode: "I;16", format: "tiff", is: false },
  { mode: "F", format: "tiff", is: false },
  { mode: "CMYK", format: "jpg", is: true },
  { mode: "L", format: "bin", is: false },
])("a $format file of mode $mode is decoded by browsers: $is", ({ mode, format, is }) => {
  expect(isDecodable(record(512, mode, format))).toBe(is);
  expect(thumbnailFor(record(512, mode, format), 5000)).toBe(is ? null : 1024);
});
