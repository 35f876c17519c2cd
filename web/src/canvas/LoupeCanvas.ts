/** The pixels around a point, large enough to be counted. */

import type { ThumbnailSize } from "../api/client";
import type { Item } from "../api/types";
import { isDecodable } from "../model/thumbnails";
import { WHOLE, type WindowChoice } from "../model/window";
import type { Point } from "../model/viewport";
import { Canvas } from "./Canvas";
import type { Drawable, Pictures } from "./pictures";

/** Pixels that are seen in each direction; odd, so that one is in the middle. */
export const LOUPE_PIXELS = 15;

export class LoupeCanvas extends Canvas {
  #item: Item | undefined;
  #window: WindowChoice = WHOLE;
  #pixel: Point | null = null;

  constructor(
    element: HTMLCanvasElement,
    readonly pictures: Pictures,
  ) {
    super(element);
  }

  update(item: Item, pixel: Point | null, window: WindowChoice): void {
    [this.#item, this.#pixel, this.#window] = [item, pixel, window];
    if (pixel && !this.#drawable()) {
      this.pictures.load(item, ...sourceOf(item, window)).then(
        () => this.invalidate(),
        () => undefined, // the picture itself says what cannot be read
      );
    }
    this.invalidate();
  }

  protected paint(): void {
    const { context } = this;
    const side = this.element.width;
    context.clearRect(0, 0, side, side);
    const drawable = this.#drawable();
    if (!drawable || !this.#item || !this.#pixel) return;
    const { width, height } = this.#item.record;
    const cell = side / LOUPE_PIXELS;
    const reach = (LOUPE_PIXELS - 1) / 2;
    context.imageSmoothingEnabled = false;
    context.save();
    context.translate((reach - this.#pixel.x) * cell, (reach - this.#pixel.y) * cell);
    context.beginPath();
    context.rect(0, 0, width * cell, height * cell);
    context.clip();
    const left = Math.max(0, this.#pixel.x - reach - 1);
    const top = Math.max(0, this.#pixel.y - reach - 1);
    const size = LOUPE_PIXELS + 2;
    const density = { x: drawable.width / width, y: drawable.height / height };
    context.drawImage(
      drawable,
      left * density.x,
      top * density.y,
      size * density.x,
      size * density.y,
      left * cell,
      top * cell,
      size * cell,
      size * cell,
    );
    context.restore();
    this.#frame(reach * cell, cell);
  }

  #drawable(): Drawable | undefined {
    return this.#item && this.pictures.ready(this.#item, ...sourceOf(this.#item, this.#window));
  }

  #frame(start: number, cell: number): void {
    const { context } = this;
    const ratio = this.pixelRatio;
    context.lineWidth = ratio;
    context.strokeStyle = "#000000";
    context.strokeRect(start - ratio / 2, start - ratio / 2, cell + ratio, cell + ratio);
    context.strokeStyle = "#ffffff";
    context.strokeRect(start - 1.5 * ratio, start - 1.5 * ratio, cell + 3 * ratio, cell + 3 * ratio);
  }
}

/** The stored file, or the largest thumbnail of one that no browser decodes. */
function sourceOf(item: Item, window: WindowChoice): [ThumbnailSize | null, WindowChoice] {
  return isDecodable(item.record) ? [null, window] : [1024, WHOLE];
}
