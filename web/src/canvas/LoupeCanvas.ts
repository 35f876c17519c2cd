/** The pixels around a point, large enough to be counted. */

import type { Item } from "../api/types";
import { WHOLE, type WindowChoice } from "../model/window";
import type { Point } from "../model/viewport";
import { Canvas } from "./Canvas";
import type { Pictures } from "./pictures";

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
    if (pixel && !this.pictures.ready(item, null, window)) {
      this.pictures.load(item, null, window).then(
        () => this.invalidate(),
        () => undefined, // what cannot be decoded has no loupe
      );
    }
    this.invalidate();
  }

  protected paint(): void {
    const { context } = this;
    const side = this.element.width;
    context.clearRect(0, 0, side, side);
    const drawable = this.#item && this.pictures.ready(this.#item, null, this.#window);
    if (!drawable || !this.#pixel) return;
    const cell = side / LOUPE_PIXELS;
    const reach = (LOUPE_PIXELS - 1) / 2;
    context.imageSmoothingEnabled = false;
    context.save();
    context.translate((reach - this.#pixel.x) * cell, (reach - this.#pixel.y) * cell);
    context.beginPath();
    context.rect(0, 0, drawable.width * cell, drawable.height * cell);
    context.clip();
    const left = Math.max(0, this.#pixel.x - reach - 1);
    const top = Math.max(0, this.#pixel.y - reach - 1);
    const size = LOUPE_PIXELS + 2;
    context.drawImage(drawable, left, top, size, size, left * cell, top * cell, size * cell, size * cell);
    context.restore();
    this.#frame(reach * cell, cell);
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
