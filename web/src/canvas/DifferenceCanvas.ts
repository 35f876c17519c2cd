/** The difference of two pictures, where the first of them would be drawn. */

import { differencePixels, type Difference } from "../model/difference";
import { place, type View } from "../model/viewport";
import { Canvas } from "./Canvas";

export class DifferenceCanvas extends Canvas {
  #difference: Difference | undefined;
  #gain = 1;
  #view: View | undefined;
  #drawn: { difference: Difference; gain: number; canvas: OffscreenCanvas } | undefined;

  update(difference: Difference, gain: number, view: View, width: number, height: number): void {
    [this.#difference, this.#gain, this.#view] = [difference, gain, view];
    this.resize(width, height);
    this.paintNow();
  }

  protected paint(): void {
    const { context, element } = this;
    if (!this.#difference || !this.#view) return;
    const drawable = this.#pixels(this.#difference);
    const at = place(this.#view, drawable, element);
    context.clearRect(0, 0, element.width, element.height);
    context.imageSmoothingEnabled = at.scale < 1;
    context.imageSmoothingQuality = "high";
    context.drawImage(drawable, at.left, at.top, drawable.width * at.scale, drawable.height * at.scale);
  }

  #pixels(difference: Difference): OffscreenCanvas {
    if (this.#drawn?.difference !== difference || this.#drawn.gain !== this.#gain) {
      const canvas = new OffscreenCanvas(difference.width, difference.height);
      const pixels = new ImageData(differencePixels(difference, this.#gain), difference.width);
      canvas.getContext("2d")!.putImageData(pixels, 0, 0);
      this.#drawn = { difference, gain: this.#gain, canvas };
    }
    return this.#drawn.canvas;
  }
}
