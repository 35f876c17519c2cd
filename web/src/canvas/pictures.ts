/** Pictures, masks and samples: loaded once, kept while there is room. */

import type { ThumbnailSize } from "../api/client";
import type { ImageRecord, Item, MaskLayer } from "../api/types";
import { Lru } from "../model/lru";
import type { Mask } from "../model/masks";
import { isExactPng, type Samples } from "../model/png";
import { isDecodable, isWide } from "../model/thumbnails";
import type { Size } from "../model/viewport";
import {
  histogramOf,
  textFromChoice,
  windowedPixels,
  windowOf,
  windowTable,
  type Histogram,
  type WindowChoice,
} from "../model/window";
import { Batches } from "./batches";
import { Jobs } from "./jobs";
import type { PictureSource } from "./source";

export type Drawable = ImageBitmap | OffscreenCanvas;

const PICTURE_BYTES = 384 << 20;
const MASK_BYTES = 128 << 20;
const SAMPLE_BYTES = 384 << 20;
const MOST_MASKS = 10_000;
const MAX_RUNNING = 8;

/** How large the longest side of a kept mask is, in powers of two, for panels that are smaller. */
const MIN_MASK_SIDE = 64;

export class Pictures {
  readonly #drawables = new Lru<Drawable>(PICTURE_BYTES, (value) => this.#letGo(value));
  /** How many canvases show a picture: those are not closed. */
  readonly #numShowing = new Map<Drawable, number>();
  readonly #evicted = new Set<Drawable>();
  readonly #masks = new Lru<Mask>(MASK_BYTES);
  readonly #lastMaskKeys = new Lru<string>(MOST_MASKS);
  readonly #samples = new Lru<Samples>(SAMPLE_BYTES);
  readonly #histograms = new WeakMap<Samples, Histogram>();
  readonly #thumbnails: Batches<Drawable>;
  readonly #drawableJobs = new Jobs<Drawable>(MAX_RUNNING);
  readonly #maskJobs = new Jobs<Mask>(MAX_RUNNING);
  readonly #sampleJobs = new Jobs<Samples>(2);

  constructor(readonly source: PictureSource) {
    this.#thumbnails = new Batches((size, digests, tell, signal) =>
      source.thumbnails!(
        digests,
        size as ThumbnailSize,
        (digest, file) => tell(digest, this.#thumbnail(digest, size as ThumbnailSize, file)),
        signal,
      ),
    );
  }

  /** The thumbnail or, for null, the original as it is shown, when it is there already. */
  ready(item: Item, size: ThumbnailSize | null, window: WindowChoice): Drawable | undefined {
    return this.#drawables.get(keyOf(item, size, window));
  }

  /** Keep a picture open while it is shown, also when there is no room for it any more. */
  hold(drawable: Drawable): void {
    this.#numShowing.set(drawable, (this.#numShowing.get(drawable) ?? 0) + 1);
  }

  release(drawable: Drawable): void {
    const left = (this.#numShowing.get(drawable) ?? 1) - 1;
    if (left) this.#numShowing.set(drawable, left);
    else {
      this.#numShowing.delete(drawable);
      if (this.#evicted.has(drawable)) this.#letGo(drawable);
    }
  }

  #letGo(drawable: Drawable): void {
    if (this.#numShowing.has(drawable)) this.#evicted.add(drawable);
    else {
      this.#evicted.delete(drawable);
      if (drawable instanceof ImageBitmap) drawable.close();
    }
  }

  async load(
    item: Item,
    size: ThumbnailSize | null,
    window: WindowChoice,
    isWanted?: () => boolean,
    isAhead = false,
  ): Promise<Drawable> {
    const key = keyOf(item, size, window);
    const ready = this.#drawables.get(key);
    if (ready) return ready;
    if (size !== null && this.source.thumbnails) {
      return this.#thumbnails.run(size, item.digest, isWanted, isAhead);
    }
    const work = async (): Promise<Drawable> => this.#keep(key, await this.#original(item, window));
    return this.#drawableJobs.run(key, work, isWanted, isAhead);
  }

  #keep(key: string, made: Drawable): Drawable {
    this.#drawables.set(key, made, made.width * made.height * 4);
    return made;
  }

  async #thumbnail(digest: string, size: ThumbnailSize, file: Promise<Blob>): Promise<Drawable> {
    return this.#keep(thumbnailKey(digest, size), await createImageBitmap(await file));
  }

  async #original(item: Item, window: WindowChoice): Promise<Drawable> {
    if (window.kind === "whole" && !isWide(item.record)) {
      const blob = await this.source.file(item.digest);
      return createImageBitmap(blob, { colorSpaceConversion: "none" });
    }
    return this.#windowed(item, window);
  }

  async #windowed(item: Item, choice: WindowChoice): Promise<Drawable> {
    const samples = await this.samples(item);
    const table = windowTable(windowOf(choice, this.histogram(samples)), samples.bitDepth);
    const pixels = windowedPixels(samples.values, samples.channels, samples.bitDepth, table);
    const canvas = new OffscreenCanvas(samples.width, samples.height);
    canvas.getContext("2d")!.putImageData(new ImageData(pixels, samples.width), 0, 0);
    return canvas;
  }

  /** The original values of a picture: exact for PNG, else as the browser decodes the file. */
  async samples(item: Item): Promise<Samples> {
    return (
      this.#samples.get(item.digest) ??
      this.#sampleJobs.run(item.digest, async () => {
        const made = await this.#decoded(item);
        this.#samples.set(item.digest, made, made.values.byteLength);
        return made;
      })
    );
  }

  readySamples(item: Item): Samples | undefined {
    return this.#samples.get(item.digest);
  }

  async #decoded(item: Item): Promise<Samples> {
    if (!isDecodable(item.record)) {
      throw new Error(
        `The browser cannot decode ${item.record.format} files of mode ${item.record.mode}: what is shown is made by the server.`,
      );
    }
    const blob = await this.source.file(item.digest);
    const bytes = new Uint8Array(await blob.arrayBuffer());
    if (isExactPng(bytes)) return this.source.decodeSamples(bytes);
    const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    bitmap.close();
    return { width, height, bitDepth: 8, ...channelsOf(data, item.record) };
  }

  histogram(samples: Samples): Histogram {
    let found = this.#histograms.get(samples);
    if (!found) {
      found = histogramOf(samples.values, samples.channels, samples.bitDepth);
      this.#histograms.set(samples, found);
    }
    return found;
  }

  /** The mask of a layer in whatever size is there: until the right one is. */
  anyMask(item: Item, layer: MaskLayer): Mask | undefined {
    const key = this.#lastMaskKeys.get(item.mask_digests[layer.name] ?? "");
    return key === undefined ? undefined : this.#masks.get(key);
  }

  /** The mask of a layer; reduced when a panel of this size cannot show all of it. */
  readyMask(item: Item, layer: MaskLayer, within: Size | null): Mask | undefined {
    return this.#masks.get(maskKey(item, layer, within)) ?? this.#masks.get(maskKey(item, layer, null));
  }

  async mask(item: Item, layer: MaskLayer, within: Size | null, isWanted?: () => boolean): Promise<Mask> {
    const key = maskKey(item, layer, within);
    return (
      this.readyMask(item, layer, within) ??
      this.#maskJobs.run(
        key,
        async () => {
          const digest = item.mask_digests[layer.name];
          if (!digest) throw new Error(`The mask ${layer.name} is not stored.`);
          const blob = await this.source.file(digest);
          const bytes = new Uint8Array(await blob.arrayBuffer());
          const made = await this.source.decodeMask(bytes, reducedSize(layer, within));
          this.#masks.set(key, made, made.ids.byteLength);
          this.#lastMaskKeys.set(digest, key, 1);
          return made;
        },
        isWanted,
      )
    );
  }
}

/** The size that a mask is reduced to, or null to keep all of it. */
export function reducedSize(mask: Size, within: Size | null): Size | null {
  if (!within) return null;
  const own = Math.max(mask.width, mask.height);
  const shown = Math.max(within.width, within.height);
  let side = MIN_MASK_SIDE;
  while (side < shown) side *= 2;
  if (side >= own) return null;
  const factor = side / own;
  return {
    width: Math.max(1, Math.round(mask.width * factor)),
    height: Math.max(1, Math.round(mask.height * factor)),
  };
}

function keyOf(item: Item, size: ThumbnailSize | null, window: WindowChoice): string {
  return size ? thumbnailKey(item.digest, size) : `${item.digest} in ${textFromChoice(window)}`;
}

function thumbnailKey(digest: string, size: ThumbnailSize): string {
  return `${digest} at ${size}`;
}

function maskKey(item: Item, layer: MaskLayer, within: Size | null): string {
  const size = reducedSize(layer, within);
  return `${item.mask_digests[layer.name]} ${size ? size.width : "whole"}`;
}

/** The channels that the picture's mode has, of a canvas's four. */
function channelsOf(data: Uint8ClampedArray, record: ImageRecord): { channels: number; values: Uint8Array } {
  const hasAlpha = ["RGBA", "LA", "PA", "RGBa", "La"].includes(record.mode);
  const isGray = record.mode === "L" || record.mode === "1";
  const channels = isGray ? 1 : hasAlpha ? 4 : 3;
  if (channels === 4) return { channels, values: new Uint8Array(data.buffer) };
  const values = new Uint8Array((data.length / 4) * channels);
  for (let from = 0, to = 0; from < data.length; from += 4, to += channels) {
    for (let c = 0; c < channels; c++) values[to + c] = data[from + c]!;
  }
  return { channels, values };
}
