/** Which file a picture is drawn from. */

import type { ThumbnailSize } from "../api/client";
import type { ImageRecord } from "../api/types";

const SIZES: readonly ThumbnailSize[] = [64, 128, 256, 512, 1024];

/** Formats that browsers decode. */
const SHOWN_FORMATS = new Set(["png", "jpg", "jpeg", "webp", "bmp", "gif", "avif"]);

/** Modes with more than 8 bits, which a canvas cannot hold. */
export function isWide(record: ImageRecord): boolean {
  return record.mode.startsWith("I") || record.mode === "F";
}

/** Whether the stored file itself can be decoded in the browser. */
export function isDecodable(record: ImageRecord): boolean {
  if (!SHOWN_FORMATS.has(record.format)) return false;
  return !isWide(record) || record.format === "png";
}

/**
 * The thumbnail for a picture whose longest side is drawn on so many device pixels, or null when the
 * original is no larger than that thumbnail, or more of it is wanted than any thumbnail has.
 */
export function thumbnailFor(record: ImageRecord, drawnSide: number): ThumbnailSize | null {
  const ownSide = Math.max(record.width, record.height);
  const size = SIZES.find((each) => each >= drawnSide);
  if (size && size < ownSide) return size;
  if (isDecodable(record)) return null;
  return size ?? 1024;
}
