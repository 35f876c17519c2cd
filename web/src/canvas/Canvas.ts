/** A canvas that is painted at most once a frame, in device pixels. */
export abstract class Canvas {
  protected readonly context: CanvasRenderingContext2D;
  #frame = 0;

  constructor(readonly element: HTMLCanvasElement) {
    this.context = element.getContext("2d")!;
  }

  get pixelRatio(): number {
    return globalThis.devicePixelRatio || 1;
  }

  /** Make the canvas cover this many CSS pixels. */
  resize(width: number, height: number): void {
    const ratio = this.pixelRatio;
    const [deviceWidth, deviceHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.element.width !== deviceWidth || this.element.height !== deviceHeight) {
      this.element.width = deviceWidth;
      this.element.height = deviceHeight;
      this.element.style.width = `${width}px`;
      this.element.style.height = `${height}px`;
    }
  }

  /** Paint with the next frame. */
  invalidate(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.paint();
    });
  }

  /** Paint now; a canvas that was resized is empty until it is. */
  paintNow(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.paint();
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
  }

  protected abstract paint(): void;
}
