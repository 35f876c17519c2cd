/** Masks: the ids of a layer, and the tints and contours that they are drawn as. */

import { rgbFromHex } from "./colors";
import { decodePng, PngError } from "./png";
import { clamp, type Rect, type Size } from "./viewport";

export type Ids = Uint8Array | Uint16Array | Uint32Array;

export interface Mask {
  width: number;
  height: number;
  ids: Ids;
}

/** How each id is drawn, asked once an id. */
export type Tint = (id: number) => string | undefined;

/**
 * The ids of a mask file, as `filmstrip/codec/masks.py` packs them: grey of 8 or 16 bits, or RGBA
 * whose channels are the bytes of the id, lowest first.
 */
export async function decodeMask(bytes: Uint8Array): Promise<Mask> {
  const { width, height, channels, bitDepth, values } = await decodePng(bytes);
  if (channels === 1) return { width, height, ids: values };
  if (channels !== 4 || bitDepth !== 8) throw new PngError("a picture that holds no mask ids");
  const ids = new Uint32Array(width * height);
  for (let i = 0, at = 0; i < ids.length; i++, at += 4) {
    const high = (values[at + 2]! << 16) | (values[at + 3]! << 24);
    ids[i] = (values[at]! | (values[at + 1]! << 8) | high) >>> 0;
  }
  return { width, height, ids };
}

/** The mask at another size: each pixel takes the id under its centre. */
export function scaledMask(mask: Mask, size: Size): Mask {
  const width = Math.max(1, Math.round(size.width));
  const height = Math.max(1, Math.round(size.height));
  if (width === mask.width && height === mask.height) return mask;
  const columns = centres(width, mask.width);
  const ids = new (mask.ids.constructor as new (n: number) => Ids)(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const row = centre(y, height, mask.height) * mask.width;
    for (let x = 0; x < width; x++) ids[at++] = mask.ids[row + columns[x]!]!;
  }
  return { width, height, ids };
}

/**
 * What a panel shows of a mask that is drawn over `drawn` in it: the ids at the centres of the panel's
 * pixels inside `seen`, which is whole pixels and inside `drawn`.
 */
export function seenMask(mask: Mask, drawn: Rect, seen: Rect): Mask {
  const width = seen.right - seen.left;
  const height = seen.bottom - seen.top;
  const perColumn = mask.width / (drawn.right - drawn.left);
  const perRow = mask.height / (drawn.bottom - drawn.top);
  const columns = Int32Array.from({ length: width }, (_, x) =>
    clamp(Math.floor((seen.left + x + 0.5 - drawn.left) * perColumn), 0, mask.width - 1),
  );
  const ids = new (mask.ids.constructor as new (n: number) => Ids)(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const row = clamp(Math.floor((seen.top + y + 0.5 - drawn.top) * perRow), 0, mask.height - 1);
    for (let x = 0; x < width; x++) ids[at++] = mask.ids[row * mask.width + columns[x]!]!;
  }
  return { width, height, ids };
}

/** The id at a pixel of a picture of this size. */
export function idAt(mask: Mask, x: number, y: number, image: Size): number {
  const row = centre(y, image.height, mask.height);
  return mask.ids[row * mask.width + centre(x, image.width, mask.width)]!;
}

/** How many pixels each id has, by id. */
export function areas(mask: Mask): Map<number, number> {
  const counts = new Map<number, number>();
  if (mask.ids.BYTES_PER_ELEMENT === 1) {
    const found = new Uint32Array(256);
    for (const id of mask.ids) found[id]!++;
    found.forEach((count, id) => count && counts.set(id, count));
    return counts;
  }
  for (const id of mask.ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** RGBA pixels of a mask's regions, opaque in their colour; ids without a tint stay clear. */
export function regionPixels({ ids }: Mask, tint: Tint): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint32Array(ids.length);
  const colors = tintsOf(tint);
  for (let i = 0; i < ids.length; i++) {
    const color = colors(ids[i]!);
    if (color !== CLEAR) pixels[i] = color | OPAQUE;
  }
  return new Uint8ClampedArray(pixels.buffer);
}

/** RGBA pixels of the edges of a mask's regions: pixels beside another id, the rest clear. */
export function contourPixels(mask: Mask, tint: Tint): Uint8ClampedArray<ArrayBuffer> {
  const { width, height, ids } = mask;
  const pixels = new Uint32Array(ids.length);
  const colors = tintsOf(tint);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const id = ids[i]!;
      const isEdge =
        (x > 0 && ids[i - 1] !== id) ||
        (x + 1 < width && ids[i + 1] !== id) ||
        (y > 0 && ids[i - width] !== id) ||
        (y + 1 < height && ids[i + width] !== id);
      if (!isEdge) continue;
      const color = colors(id);
      if (color !== CLEAR) pixels[i] = color | OPAQUE;
    }
  }
  return new Uint8ClampedArray(pixels.buffer);
}

const OPAQUE = 255 << 24;
const CLEAR = -1;

/** Colours as little-endian RGBA without alpha, remembered by id. */
function tintsOf(tint: Tint): (id: number) => number {
  const known = new Map<number, number>();
  let lastId = -1;
  let last = CLEAR;
  return (id) => {
    if (id === lastId) return last;
    let color = known.get(id);
    if (color === undefined) {
      const hex = tint(id);
      const rgb = hex === undefined ? undefined : rgbFromHex(hex);
      color = rgb ? rgb.red | (rgb.green << 8) | (rgb.blue << 16) : CLEAR;
      known.set(id, color);
    }
    lastId = id;
    last = color;
    return color;
  };
}

/** A straight piece of an edge between two regions, in mask pixels. */
export interface Edge {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  id: number;
}

/** The edges of tinted regions, each as long as it goes straight; colours are those of `id`. */
export function edgesOf(mask: Mask, tint: Tint): Edge[] {
  const colors = tintsOf(tint);
  const isTinted = (id: number): boolean => colors(id) !== CLEAR;
  return [...horizontalEdges(mask, isTinted), ...verticalEdges(mask, isTinted)];
}

function horizontalEdges({ width, height, ids }: Mask, isTinted: (id: number) => boolean): Edge[] {
  const edges: Edge[] = [];
  for (let y = 1; y < height; y++) {
    let open: Edge | undefined;
    for (let x = 0; x < width; x++) {
      const above = ids[(y - 1) * width + x]!;
      const below = ids[y * width + x]!;
      const id = above === below ? -1 : isTinted(below) ? below : isTinted(above) ? above : -1;
      if (open && open.id === id) open.x2 = x + 1;
      else {
        open = id < 0 ? undefined : { x1: x, y1: y, x2: x + 1, y2: y, id };
        if (open) edges.push(open);
      }
    }
  }
  return edges;
}

function verticalEdges({ width, height, ids }: Mask, isTinted: (id: number) => boolean): Edge[] {
  const edges: Edge[] = [];
  for (let x = 1; x < width; x++) {
    let open: Edge | undefined;
    for (let y = 0; y < height; y++) {
      const before = ids[y * width + x - 1]!;
      const after = ids[y * width + x]!;
      const id = before === after ? -1 : isTinted(after) ? after : isTinted(before) ? before : -1;
      if (open && open.id === id) open.y2 = y + 1;
      else {
        open = id < 0 ? undefined : { x1: x, y1: y, x2: x, y2: y + 1, id };
        if (open) edges.push(open);
      }
    }
  }
  return edges;
}

/** Two masks of one picture, as one mask of where they name different classes. */
export interface MaskDifference {
  /** 0 where both agree, else one more than the place of a class in `names`. */
  mask: Mask;
  /** Of the first mask, or of the second where the first has background. */
  names: string[];
  /** Pixels where the two differ. */
  numDifferent: number;
}

/** Compare two masks class by class, at the first one's size; a name of "" is background. */
export function maskDifference(
  a: Mask,
  b: Mask,
  nameOfA: (id: number) => string,
  nameOfB: (id: number) => string,
): MaskDifference {
  const other = scaledMask(b, a);
  const ids = new Uint32Array(a.ids.length);
  const names: string[] = [];
  const places = new Map<string, number>();
  const pairs = new Map<number, number>();
  let numDifferent = 0;
  const placeOf = (idA: number, idB: number): number => {
    const first = nameOfA(idA);
    const second = nameOfB(idB);
    if (first === second) return 0;
    const name = first || second;
    if (!places.has(name)) places.set(name, names.push(name));
    return places.get(name)!;
  };
  for (let i = 0; i < ids.length; i++) {
    const pair = a.ids[i]! * 2 ** 20 + other.ids[i]!; // exact for ids below a million
    const isSmall = other.ids[i]! < 2 ** 20;
    let place = isSmall ? pairs.get(pair) : undefined;
    if (place === undefined) {
      place = placeOf(a.ids[i]!, other.ids[i]!);
      if (isSmall) pairs.set(pair, place);
    }
    ids[i] = place;
    if (place) numDifferent++;
  }
  return { mask: { width: a.width, height: a.height, ids }, names, numDifferent };
}

function centres(size: number, own: number): Int32Array {
  return Int32Array.from({ length: size }, (_, i) => centre(i, size, own));
}

function centre(i: number, size: number, own: number): number {
  return Math.floor(((2 * i + 1) * own) / (2 * size));
}
