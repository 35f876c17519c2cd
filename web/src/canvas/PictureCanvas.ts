/** One picture with its overlays, at a size and in a view. */

import type { ThumbnailSize } from "../api/client";
import type { Item } from "../api/types";
import { shownBoxes, type Box, type OverlayStyle } from "../model/overlays";
import { thumbnailFor } from "../model/thumbnails";
import { place, visibleRect, type Placement, type Size, type View } from "../model/viewport";
import { WHOLE, type WindowChoice } from "../model/window";
import { paintBoxes } from "./boxPaint";
import { Canvas } from "./Canvas";
import { DroppedError } from "./jobs";
import { neededMasks, paintMasks, tintedMasks } from "./maskPaint";
import type { Drawable, Pictures } from "./pictures";

export interface PictureProps {
  item: Item;
  /** In CSS pixels. */
  width: number;
  height: number;
  style: OverlayStyle;
  view: View;
  window?: WindowChoice;
  highlight?: Box | null;
  /** Always the stored file, also where a thumbnail would do: for comparing. */
  isOriginal?: boolean;
}

export interface PictureEvents {
  /** All of the picture as it was last wanted is on the screen. */
  painted?: () => void;
  failed?: (message: string) => void;
}

/** Device pixels that a picture pixel covers when lines between pixels are drawn. */
const GRID_SCALE = 20;
const CHECK_PX = 8;
/** The picture before stays on the screen for so long while the next one loads. */
const STALE_MS = 250;

export class PictureCanvas extends Canvas {
  #props: PictureProps | undefined;
  /** What is drawn until something better is there. */
  #shown: { digest: string; drawable: Drawable } | undefined;
  #staleTimer: ReturnType<typeof setTimeout> | undefined;
  #isDestroyed = false;
  /** The picture that was last painted whole, in whatever view. */
  #paintedDigest = "";
  /** The picture is shown without a mask that cannot be read. */
  #hasMaskFailed = false;

  constructor(
    element: HTMLCanvasElement,
    readonly pictures: Pictures,
    readonly events: PictureEvents = {},
  ) {
    super(element);
  }

  update(props: PictureProps): void {
    const before = this.#props;
    this.#props = props;
    this.element.dataset.painted = "";
    const hasNewSize = before?.width !== props.width || before.height !== props.height;
    if (hasNewSize) this.resize(props.width, props.height);
    if (before?.item !== props.item) this.#hasMaskFailed = false;
    if (before?.item.digest !== props.item.digest) this.#becomeStale();
    this.#load(props);
    if (hasNewSize) this.paintNow();
    else this.invalidate();
  }

  override destroy(): void {
    super.destroy();
    this.#isDestroyed = true;
    clearTimeout(this.#staleTimer);
    this.#show(undefined);
  }

  #show(next: { digest: string; drawable: Drawable } | undefined): void {
    if (next) this.pictures.hold(next.drawable);
    if (this.#shown) this.pictures.release(this.#shown.drawable);
    this.#shown = next;
  }

  /** The canvas as it is on the screen, painted to another one of the same size. */
  get size(): Size {
    return { width: this.element.width, height: this.element.height };
  }

  #becomeStale(): void {
    this.#paintedDigest = "";
    clearTimeout(this.#staleTimer);
    this.#staleTimer = setTimeout(() => {
      if (this.#shown?.digest === this.#props?.item.digest) return;
      this.#show(undefined);
      this.invalidate();
    }, STALE_MS);
  }

  #load(props: PictureProps): void {
    const isWanted = (): boolean => !this.#isDestroyed && this.#props === props;
    const repaint = (): void => {
      if (!this.#isDestroyed) this.invalidate();
    };
    const report = (error: unknown): void => {
      if (error instanceof DroppedError || !isWanted()) return;
      this.events.failed?.(error instanceof Error ? error.message : String(error));
    };
    const { item, window = WHOLE } = props;
    const size = this.#thumbnail(props);
    if (!this.pictures.ready(item, size, window)) {
      this.pictures.load(item, size, window, isWanted).then(repaint, report);
    }
    const within = this.#maskSize(props);
    for (const layer of neededMasks(item.record, props.style)) {
      if (this.pictures.readyMask(item, layer, within)) continue;
      this.pictures.mask(item, layer, within, isWanted).then(repaint, (error: unknown) => {
        if (!(error instanceof DroppedError)) this.#hasMaskFailed = true;
        report(error);
        repaint();
      });
    }
  }

  #placement({ item, view }: PictureProps): Placement {
    return place(view, item.record, this.size);
  }

  #thumbnail(props: PictureProps): ThumbnailSize | null {
    const { item, window = WHOLE, isOriginal = false } = props;
    const { source } = this.pictures;
    const hasThumbnail = source.thumbnails && (source.hasThumbnail?.(item.digest) ?? true);
    if (!hasThumbnail || window.kind !== "whole") return null;
    const { scale } = this.#placement(props);
    const side = Math.max(item.record.width, item.record.height) * scale;
    return thumbnailFor(item.record, isOriginal ? Infinity : side);
  }

  /** Masks are reduced when all of them is seen in a small panel. */
  #maskSize(props: PictureProps): Size | null {
    const { scale } = this.#placement(props);
    const { width, height } = props.item.record;
    return { width: width * scale, height: height * scale };
  }

  protected paint(): void {
    const props = this.#props;
    if (!props || !this.element.width || !this.element.height) return;
    const { item, window = WHOLE, style } = props;
    const ready = this.pictures.ready(item, this.#thumbnail(props), window);
    if (ready && ready !== this.#shown?.drawable) this.#show({ digest: item.digest, drawable: ready });
    else if (ready && this.#shown) this.#shown.digest = item.digest;
    const found = tintedMasks(this.pictures, item, style, this.#maskSize(props));
    const isFirst = this.#paintedDigest !== item.digest;
    // Half of the next picture, or its masks on the one before, would be a lie.
    if (this.#shown && this.#shown.digest !== item.digest) return;
    if (this.#shown && !found && isFirst && !this.#hasMaskFailed) return;
    const at = this.#placement(props);
    this.context.clearRect(0, 0, this.element.width, this.element.height);
    if (!this.#shown) return;
    this.#paintPicture(this.#shown.drawable, item, at);
    if (found) paintMasks(this.context, found.masks, item.record, at, style);
    this.#paintGrid(item.record, at);
    paintBoxes(this.context, {
      boxes: shownBoxes(item.record, style),
      image: item.record,
      at,
      panel: this.size,
      pixelRatio: this.pixelRatio,
      style,
      highlight: props.highlight ?? null,
    });
    if (ready && (found?.isExact || this.#hasMaskFailed)) {
      this.#paintedDigest = item.digest;
      this.element.dataset.painted = item.digest;
      this.events.painted?.();
    }
  }

  /** Draw what is seen of the picture: smooth when shrunk, in whole squares when magnified. */
  #paintPicture(drawable: Drawable, item: Item, at: Placement): void {
    const { context } = this;
    const image = item.record;
    if (/A|a|P/.test(image.mode)) this.#paintChecks(image, at);
    const density = drawable.width / image.width;
    const isOriginal = drawable.width >= image.width;
    context.imageSmoothingEnabled = !isOriginal || at.scale < density;
    context.imageSmoothingQuality = "high";
    const seen = visibleRect(at, image, this.size);
    const left = Math.floor(seen.left);
    const top = Math.floor(seen.top);
    const width = Math.ceil(seen.right) - left;
    const height = Math.ceil(seen.bottom) - top;
    if (width <= 0 || height <= 0) return;
    const tall = drawable.height / image.height;
    context.drawImage(
      drawable,
      left * density,
      top * tall,
      width * density,
      height * tall,
      at.left + left * at.scale,
      at.top + top * at.scale,
      width * at.scale,
      height * at.scale,
    );
  }

  /** Squares that show through where a picture is transparent. */
  #paintChecks(image: Size, at: Placement): void {
    const { context } = this;
    const step = CHECK_PX * this.pixelRatio;
    const right = Math.min(this.size.width, at.left + image.width * at.scale);
    const bottom = Math.min(this.size.height, at.top + image.height * at.scale);
    const [left, top] = [Math.max(0, at.left), Math.max(0, at.top)];
    context.fillStyle = "#ffffff";
    context.fillRect(left, top, right - left, bottom - top);
    context.fillStyle = "#d9d9d9";
    context.beginPath();
    for (let y = top, row = 0; y < bottom; y += step, row++) {
      for (let x = left + (row % 2) * step; x < right; x += 2 * step) {
        context.rect(x, y, Math.min(step, right - x), Math.min(step, bottom - y));
      }
    }
    context.fill();
  }

  #paintGrid(image: Size, at: Placement): void {
    if (at.scale < GRID_SCALE) return;
    const { context } = this;
    const seen = visibleRect(at, image, this.size);
    context.strokeStyle = "rgb(128 128 128 / 45%)";
    context.lineWidth = 1;
    context.beginPath();
    for (let x = Math.ceil(seen.left); x <= seen.right; x++) {
      const screen = Math.round(x * at.scale + at.left) + 0.5;
      context.moveTo(screen, seen.top * at.scale + at.top);
      context.lineTo(screen, seen.bottom * at.scale + at.top);
    }
    for (let y = Math.ceil(seen.top); y <= seen.bottom; y++) {
      const screen = Math.round(y * at.scale + at.top) + 0.5;
      context.moveTo(seen.left * at.scale + at.left, screen);
      context.lineTo(seen.right * at.scale + at.left, screen);
    }
    context.stroke();
  }
}
