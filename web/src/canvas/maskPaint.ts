/** Masks on a canvas: regions tinted, with contours one device pixel wide at every zoom. */

import type { ImageRecord, Item, MaskLayer } from "../api/types";
import { isBackground } from "../model/colors";
import { Lru } from "../model/lru";
import {
  edgesOf,
  maskDifference,
  scaledMask,
  tintedPixels,
  type Mask,
  type Tint,
} from "../model/masks";
import {
  classColor,
  className,
  comparedMasks,
  isClassShown,
  maskTint,
  shownMasks,
  type OverlayStyle,
} from "../model/overlays";
import type { Placement, Size } from "../model/viewport";
import type { Pictures } from "./pictures";

/** A mask with how its ids are drawn; `key` names both. */
export interface TintedMask {
  mask: Mask;
  tint: Tint;
  key: string;
}

const TINT_BYTES = 128 << 20;
const tints = new Lru<OffscreenCanvas>(TINT_BYTES);
const contours = new Lru<Map<string, Path2D>>(32 << 20);
const styleKeys = new WeakMap<OverlayStyle, string>();
const layerKeys = new WeakMap<MaskLayer, string>();
const CONTOUR_ALPHA = 0.9;
/** Straight edges that are drawn as lines at most; with more, pixels show the edges. */
const MAX_EDGES = 60_000;

/** The masks that are drawn, as far as they are loaded; null while one is not. */
export function tintedMasks(
  pictures: Pictures,
  item: Item,
  style: OverlayStyle,
  within: Size | null,
): TintedMask[] | null {
  const compared = comparedMasks(item.record, style);
  const layers = compared ? [compared.a, compared.b] : shownMasks(item.record, style);
  const masks = layers.map((layer) => pictures.readyMask(item, layer, within));
  if (!masks.every((mask) => mask !== undefined)) return null;
  if (compared) return [differing(item, compared, masks as [Mask, Mask], style)];
  return layers.map((layer, i) => ({
    mask: masks[i]!,
    tint: maskTint(layer, style),
    key: `${item.mask_digests[layer.name]} ${layerKey(layer)} ${styleKey(style)}`,
  }));
}

/** The layers that `tintedMasks` needs. */
export function neededMasks(record: ImageRecord, style: OverlayStyle): MaskLayer[] {
  const compared = comparedMasks(record, style);
  return compared ? [compared.a, compared.b] : shownMasks(record, style);
}

function differing(
  item: Item,
  { a, b }: { a: MaskLayer; b: MaskLayer },
  [first, second]: [Mask, Mask],
  style: OverlayStyle,
): TintedMask {
  const { mask, names } = maskDifference(first, second, nameIn(a), nameIn(b));
  const labels = [...(a.class_labels ?? []), ...(b.class_labels ?? [])];
  const digests = `${item.mask_digests[a.name]} ${item.mask_digests[b.name]}`;
  return {
    mask,
    key: `${digests} ${layerKey(a)} ${layerKey(b)} ${styleKey(style)}`,
    tint: (place) => {
      const name = names[place - 1];
      if (name === undefined || !isClassShown(name, style)) return undefined;
      return classColor(name, labels.find((label) => label.name === name), style.colors);
    },
  };
}

/** The name of each id, with "" for background. */
export function nameIn(layer: MaskLayer): (id: number) => string {
  return (id) => {
    const label = layer.class_labels?.find((each) => each.id === id);
    return isBackground(id, label) ? "" : className(id, layer.class_labels);
  };
}

/** Draw masks over the picture; `image` is its size, `at` in device pixels. */
export function paintMasks(
  context: CanvasRenderingContext2D,
  masks: readonly TintedMask[],
  image: Size,
  at: Placement,
  style: OverlayStyle,
): void {
  const drawn = { width: image.width * at.scale, height: image.height * at.scale };
  context.imageSmoothingEnabled = false;
  for (const tinted of masks) {
    const isShrunk = drawn.width <= tinted.mask.width;
    const size = isShrunk ? drawn : tinted.mask;
    const paths = isShrunk || !style.hasContours ? undefined : contoursOf(tinted);
    const canvas = tintOf(tinted, size, style, style.hasContours && !paths);
    context.drawImage(canvas, at.left, at.top, drawn.width, drawn.height);
    if (paths) strokeContours(context, paths, tinted.mask, drawn, at);
  }
}

function tintOf(
  { mask, tint, key }: TintedMask,
  size: Size,
  style: OverlayStyle,
  hasContours: boolean,
): OffscreenCanvas {
  const scaled = { width: Math.max(1, Math.round(size.width)), height: Math.max(1, Math.round(size.height)) };
  const name = `${key} ${scaled.width}x${scaled.height} ${mask.width} ${style.maskOpacity} ${hasContours}`;
  const known = tints.get(name);
  if (known) return known;
  const canvas = new OffscreenCanvas(scaled.width, scaled.height);
  const pixels = tintedPixels(scaledMask(mask, scaled), tint, style.maskOpacity, hasContours);
  canvas.getContext("2d")!.putImageData(new ImageData(pixels, scaled.width), 0, 0);
  tints.set(name, canvas, pixels.length);
  return canvas;
}

/** The edges of regions by colour, or undefined when there are too many to draw as lines. */
function contoursOf({ mask, tint, key }: TintedMask): Map<string, Path2D> | undefined {
  const name = `${key} ${mask.width}`;
  let paths = contours.get(name);
  if (!paths) {
    const edges = edgesOf(mask, tint);
    paths = new Map();
    if (edges.length > MAX_EDGES) edges.length = 0;
    for (const { x1, y1, x2, y2, id } of edges) {
      const color = tint(id)!;
      let path = paths.get(color);
      if (!path) paths.set(color, (path = new Path2D()));
      path.moveTo(x1, y1);
      path.lineTo(x2, y2);
    }
    contours.set(name, paths, 64 + edges.length * 64);
  }
  return paths.size ? paths : undefined;
}

function strokeContours(
  context: CanvasRenderingContext2D,
  paths: ReadonlyMap<string, Path2D>,
  mask: Size,
  drawn: Size,
  at: Placement,
): void {
  const scale = { x: drawn.width / mask.width, y: drawn.height / mask.height };
  context.save();
  context.globalAlpha = CONTOUR_ALPHA;
  context.setTransform(scale.x, 0, 0, scale.y, at.left, at.top);
  context.lineWidth = Math.max(1, Math.min(2, scale.x / 2)) / scale.x;
  context.lineCap = "square";
  for (const [color, path] of paths) {
    context.strokeStyle = color;
    context.stroke(path);
  }
  context.restore();
}

/** What of a style the colours of masks depend on. */
function styleKey(style: OverlayStyle): string {
  let key = styleKeys.get(style);
  if (key === undefined) {
    key = JSON.stringify([style.hiddenClasses, style.soloClass, style.colors, style.difference]);
    styleKeys.set(style, key);
  }
  return key;
}

function layerKey(layer: MaskLayer): string {
  let key = layerKeys.get(layer);
  if (key === undefined) {
    key = JSON.stringify(layer.class_labels ?? []);
    layerKeys.set(layer, key);
  }
  return key;
}
