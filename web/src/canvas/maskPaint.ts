/** Masks on a canvas: regions tinted, with contours one device pixel wide at every zoom. */

import type { ImageRecord, Item, MaskLayer } from "../api/types";
import { isBackground } from "../model/colors";
import { Lru } from "../model/lru";
import {
  contourPixels,
  edgesOf,
  maskDifference,
  regionPixels,
  scaledMask,
  seenMask,
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
import { drawStamp } from "./stamps";

/** A mask with how its ids are drawn; `key` names both. */
export interface TintedMask {
  mask: Mask;
  tint: Tint;
  key: string;
}

const contours = new Lru<Map<string, Path2D>>(32 << 20);
const styleKeys = new WeakMap<OverlayStyle, string>();
const layerKeys = new WeakMap<MaskLayer, string>();
/** Pixels of a mask up to which all of it is tinted, though only a part is seen. */
const MAX_WHOLE_PIXELS = 1 << 20;
const CONTOUR_ALPHA = 0.9;
/** Straight edges that are drawn as lines at most; with more, pixels show the edges. */
const MAX_EDGES = 60_000;

export interface ReadyMasks {
  masks: TintedMask[];
  /** Whether each has the size that is wanted. */
  isExact: boolean;
}

/** The masks that are drawn; null while one is not there in any size. */
export function tintedMasks(
  pictures: Pictures,
  item: Item,
  style: OverlayStyle,
  within: Size | null,
): ReadyMasks | null {
  const compared = comparedMasks(item.record, style);
  const layers = compared ? [compared.a, compared.b] : shownMasks(item.record, style);
  const exact = layers.map((layer) => pictures.readyMask(item, layer, within));
  const found = layers.map((layer, i) => exact[i] ?? pictures.anyMask(item, layer));
  if (!found.every((mask) => mask !== undefined)) return null;
  const isExact = exact.every((mask) => mask !== undefined);
  if (compared) return { masks: [differing(item, compared, found as [Mask, Mask], style)], isExact };
  const masks = layers.map((layer, i) => ({
    mask: found[i]!,
    tint: maskTint(layer, style),
    key: `${item.mask_digests[layer.name]} ${layerKey(layer)} ${styleKey(style)}`,
  }));
  return { masks, isExact };
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
      return classColor(
        name,
        labels.find((label) => label.name === name),
        style.colors,
      );
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
  for (const tinted of masks) {
    const { mask } = tinted;
    const isWide = drawn.width > context.canvas.width || drawn.height > context.canvas.height;
    if (isWide && mask.ids.length > MAX_WHOLE_PIXELS) paintSeen(context, tinted, drawn, at, style);
    else paintWhole(context, tinted, drawn, at, style);
  }
  context.globalAlpha = 1;
}

type ToPixels = (mask: Mask, tint: Tint) => Uint8ClampedArray<ArrayBuffer>;

function paintWhole(
  context: CanvasRenderingContext2D,
  tinted: TintedMask,
  drawn: Size,
  at: Placement,
  style: OverlayStyle,
): void {
  const { mask, tint, key } = tinted;
  const isShrunk = drawn.width <= mask.width;
  const shown = isShrunk ? { width: whole(drawn.width), height: whole(drawn.height) } : mask;
  const name = `${key} ${mask.width} ${shown.width}x${shown.height}`;
  const made = (pixels: ToPixels) => () => {
    const scaled = scaledMask(mask, shown);
    return { width: scaled.width, height: scaled.height, data: pixels(scaled, tint) };
  };
  context.globalAlpha = style.maskOpacity;
  drawStamp(context, `regions ${name}`, made(regionPixels), at, drawn);
  if (!style.hasContours) return;
  context.globalAlpha = CONTOUR_ALPHA;
  const paths = isShrunk ? undefined : contoursOf(tinted);
  if (paths) strokeContours(context, paths, mask, drawn, at);
  else drawStamp(context, `contours ${name}`, made(contourPixels), at, drawn);
}

/** Of a large mask only what the panel shows is made, anew whenever that changes. */
function paintSeen(
  context: CanvasRenderingContext2D,
  { mask, tint, key }: TintedMask,
  drawn: Size,
  at: Placement,
  style: OverlayStyle,
): void {
  const { left, top } = at;
  const rect = { left, top, right: left + drawn.width, bottom: top + drawn.height };
  const seen = {
    left: Math.max(0, Math.floor(left)),
    top: Math.max(0, Math.floor(top)),
    right: Math.min(context.canvas.width, Math.ceil(rect.right)),
    bottom: Math.min(context.canvas.height, Math.ceil(rect.bottom)),
  };
  if (seen.right <= seen.left || seen.bottom <= seen.top) return;
  const size = { width: seen.right - seen.left, height: seen.bottom - seen.top };
  const name = `${key} ${Object.values(rect).join(" ")} ${Object.values(seen).join(" ")}`;
  let cut: Mask | undefined;
  const made = (pixels: ToPixels) => () => {
    cut ??= seenMask(mask, rect, seen);
    return { ...size, data: pixels(cut, tint) };
  };
  context.globalAlpha = style.maskOpacity;
  drawStamp(context, `regions ${name}`, made(regionPixels), seen, size);
  if (!style.hasContours) return;
  context.globalAlpha = CONTOUR_ALPHA;
  drawStamp(context, `contours ${name}`, made(contourPixels), seen, size);
}

function whole(side: number): number {
  return Math.max(1, Math.round(side));
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
