/** Pictures made of pixels, kept to be drawn again and again. */

import { Lru } from "../model/lru";
import type { Placement, Size } from "../model/viewport";

export interface Pixels extends Size {
  data: Uint8ClampedArray<ArrayBuffer>;
}

const KEPT_BYTES = 128 << 20;
/** Larger ones have a canvas of their own; making one takes longer than drawing a small one. */
const MAX_SCRATCH_PIXELS = 512 * 512;

type Kept = ImageData | OffscreenCanvas;

const kept = new Lru<Kept>(KEPT_BYTES);
let scratch: OffscreenCanvasRenderingContext2D | undefined;

/** Draw the pixels of this name over a rectangle, in whole squares; `make` is asked once. */
export function drawStamp(
  context: CanvasRenderingContext2D,
  name: string,
  make: () => Pixels,
  at: Pick<Placement, "left" | "top">,
  drawn: Size,
): void {
  let stamp = kept.get(name);
  if (!stamp) {
    const { data, width } = make();
    stamp = stampOf(new ImageData(data, width));
    kept.set(name, stamp, data.length);
  }
  const { width, height } = stamp;
  const source = stamp instanceof ImageData ? scratchOf(stamp) : stamp;
  context.imageSmoothingEnabled = false;
  context.drawImage(source, 0, 0, width, height, at.left, at.top, drawn.width, drawn.height);
}

function stampOf(image: ImageData): Kept {
  if (image.width * image.height <= MAX_SCRATCH_PIXELS) return image;
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas;
}

function scratchOf(image: ImageData): OffscreenCanvas {
  scratch ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })!;
  const { canvas } = scratch;
  if (canvas.width < image.width) canvas.width = image.width;
  if (canvas.height < image.height) canvas.height = image.height;
  scratch.putImageData(image, 0, 0);
  return canvas;
}
