/**
 * Overlays: which layers, classes and boxes are drawn, and how. One `OverlayStyle` holds for all
 * panels; it is kept per store, and colours belong to class names, so they are the same in each run.
 */

import type { BoxLayer, ClassLabel, ImageRecord, MaskLayer } from "../api/types";
import { colorOf, isBackground, isHexColor } from "./colors";
import { numberFrom } from "./record";
import type { Rect, Size } from "./viewport";

/** `boxes/<name>` or `masks/<name>`. */
export type LayerId = string;

export interface ScoreRange {
  min: number;
  max: number;
}

export interface OverlayStyle {
  areBoxesOn: boolean;
  areMasksOn: boolean;
  hiddenLayers: LayerId[];
  hiddenClasses: string[];
  /** Only this class is drawn. */
  soloClass: string | null;
  /** By the score's name; boxes outside are not drawn. */
  scoreRanges: Record<string, ScoreRange>;
  /** `#rrggbb` by class name: where the user chose another than the name's own. */
  colors: Record<string, string>;
  /** Of the tint of masks, 0 to 1. */
  maskOpacity: number;
  hasContours: boolean;
  /** Whether boxes are filled as well as outlined. */
  isFilled: boolean;
  lineWidth: number;
  hasLabels: boolean;
  /** Two layers of a kind, of which only what differs is drawn. */
  difference: { a: LayerId; b: LayerId } | null;
}

const NO_COLORS: OverlayStyle["colors"] = {};

export const DEFAULT_STYLE: OverlayStyle = {
  areBoxesOn: true,
  areMasksOn: true,
  hiddenLayers: [],
  hiddenClasses: [],
  soloClass: null,
  scoreRanges: {},
  colors: NO_COLORS,
  maskOpacity: 0.45,
  hasContours: true,
  isFilled: false,
  lineWidth: 2,
  hasLabels: true,
  difference: null,
};

export type Flaw = "not a number" | "infinite" | "inverted" | "outside";

export interface Box extends Rect {
  layer: string;
  /** Place among the boxes of its layer. */
  index: number;
  classId: number | null;
  /** Empty for a box without a class. */
  className: string;
  caption: string | null;
  scores: { name: string; value: number | null }[];
  color: string;
  isDashed: boolean;
  /** Why it is not drawn, whatever the style. */
  flaw: Flaw | null;
}

export const boxLayerId = (name: string): LayerId => `boxes/${name}`;
export const maskLayerId = (name: string): LayerId => `masks/${name}`;

/** The name of a class of a layer, as `class_labels` give it. */
export function className(id: number, labels: readonly ClassLabel[] | undefined): string {
  return labels?.find((label) => label.id === id)?.name ?? `class_${id}`;
}

/** The colour of a class: the user's, else the label's, else that of the name. */
export function classColor(
  name: string,
  label: ClassLabel | undefined,
  colors: OverlayStyle["colors"],
): string {
  const chosen = Object.hasOwn(colors, name) ? colors[name] : undefined;
  if (isHexColor(chosen)) return chosen;
  return isHexColor(label?.color) ? label.color : colorOf(name);
}

const made = new WeakMap<ImageRecord, { colors: OverlayStyle["colors"]; boxes: readonly Box[] }>();

/** Every box of a record, flawed ones too, in the order that they were logged. */
export function boxesOf(record: ImageRecord, colors = NO_COLORS): readonly Box[] {
  const known = made.get(record);
  if (known?.colors === colors) return known.boxes;
  const boxes = (record.boxes ?? []).flatMap((layer, place) =>
    (layer.xyxy ?? []).map((_, i) => boxAt(layer, i, place > 0, record, colors)),
  );
  made.set(record, { colors, boxes });
  return boxes;
}

function boxAt(
  layer: BoxLayer,
  index: number,
  isDashed: boolean,
  size: Size,
  colors: OverlayStyle["colors"],
): Box {
  const [left = NaN, top = NaN, right = NaN, bottom = NaN] = layer.xyxy![index]!.map(numberFrom);
  const classId = layer.class_id?.[index] ?? null;
  const name = classId === null ? "" : className(classId, layer.class_labels);
  const label = layer.class_labels?.find((each) => each.id === classId);
  const scores = (layer.scores ?? []).map((column) => {
    const value = numberFrom(column.values[index]);
    return { name: column.name, value: Number.isNaN(value) ? null : value };
  });
  const rect = { left, top, right, bottom };
  return {
    ...rect,
    layer: layer.name,
    index,
    classId,
    className: name,
    caption: layer.captions?.[index] ?? null,
    scores,
    color: classColor(name || layer.name, label, colors),
    isDashed,
    flaw: flawOf(rect, size),
  };
}

function flawOf({ left, top, right, bottom }: Rect, size: Size): Flaw | null {
  const corners = [left, top, right, bottom];
  if (corners.some(Number.isNaN)) return "not a number";
  if (!corners.every(Number.isFinite)) return "infinite";
  if (right < left || bottom < top) return "inverted";
  const isOutside = left >= size.width || top >= size.height || right <= 0 || bottom <= 0;
  return isOutside ? "outside" : null;
}

/** What a box says: its caption, else its class and first score. */
export function boxText(box: Box): string {
  if (box.caption !== null) return box.caption;
  const score = box.scores[0]?.value;
  const text = score === null || score === undefined ? "" : scoreText(score);
  return `${box.className} ${text}`.trim();
}

/** Two decimals where they say something, else three digits. */
export function scoreText(score: number): string {
  const size = Math.abs(score);
  if (score === 0 || (size >= 0.005 && size < 100)) return score.toFixed(2);
  return Number.isFinite(score) ? String(Number(score.toPrecision(3))) : String(score);
}

/** Whether a class may be drawn at all; boxes without one are "". */
export function isClassShown(name: string, style: OverlayStyle): boolean {
  if (style.soloClass !== null) return name === style.soloClass;
  return !style.hiddenClasses.includes(name);
}

export function isLayerShown(id: LayerId, style: OverlayStyle): boolean {
  if (id.startsWith("boxes/") ? !style.areBoxesOn : !style.areMasksOn) return false;
  return !style.hiddenLayers.includes(id);
}

/**
 * Whether the scores of a box are inside every range. A range is about the layers that have that
 * score; a box of such a layer without a number for it is outside.
 */
export function isScoreShown(box: Box, ranges: OverlayStyle["scoreRanges"]): boolean {
  return box.scores.every(({ name, value }) => {
    const range = Object.hasOwn(ranges, name) ? ranges[name] : undefined;
    return !range || (value !== null && value >= range.min && value <= range.max);
  });
}

/** The boxes that are drawn, the largest first so that small ones stay on top. */
export function shownBoxes(record: ImageRecord, style: OverlayStyle): Box[] {
  if (!style.areBoxesOn) return [];
  const shown = boxesOf(record, style.colors).filter(
    (box) =>
      !box.flaw &&
      isLayerShown(boxLayerId(box.layer), style) &&
      isClassShown(box.className, style) &&
      isScoreShown(box, style.scoreRanges),
  );
  const kept = withoutMatches(shown, style.difference);
  return kept.sort((a, b) => area(b) - area(a));
}

/** Boxes that are flawed, to be listed: they cannot be drawn. */
export function flawedBoxes(record: ImageRecord): Box[] {
  return boxesOf(record).filter((box) => box.flaw);
}

const MATCHING_OVERLAP = 0.5;

/** Of two compared layers, the boxes without a counterpart of the same class in the other. */
function withoutMatches(boxes: Box[], difference: OverlayStyle["difference"]): Box[] {
  if (!difference?.a.startsWith("boxes/")) return boxes;
  const first = boxes.filter((box) => boxLayerId(box.layer) === difference.a);
  const second = boxes.filter((box) => boxLayerId(box.layer) === difference.b);
  const matched = new Set<Box>();
  const pairs = first.flatMap((a) =>
    second.filter((b) => a.className === b.className).map((b) => ({ a, b, overlap: overlapOf(a, b) })),
  );
  pairs.sort((p, q) => q.overlap - p.overlap);
  for (const { a, b, overlap } of pairs) {
    if (overlap < MATCHING_OVERLAP || matched.has(a) || matched.has(b)) continue;
    matched.add(a).add(b);
  }
  return [...first, ...second].filter((box) => !matched.has(box));
}

/** Intersection over union. */
export function overlapOf(a: Rect, b: Rect): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / (area(a) + area(b) - width * height);
}

function area(box: Rect): number {
  return (box.right - box.left) * (box.bottom - box.top);
}

/** How each id of a mask layer is drawn under a style. */
export function maskTint(layer: MaskLayer, style: OverlayStyle): (id: number) => string | undefined {
  const labels = new Map((layer.class_labels ?? []).map((label) => [label.id, label]));
  return (id) => {
    const label = labels.get(id);
    const name = label?.name ?? `class_${id}`;
    const isWanted = style.soloClass === name || !isBackground(id, label);
    if (!isWanted || !isClassShown(name, style)) return undefined;
    return classColor(name, label, style.colors);
  };
}

/** The mask layers that are drawn, with those that are compared left to `maskDifference`. */
export function shownMasks(record: ImageRecord, style: OverlayStyle): MaskLayer[] {
  return (record.masks ?? []).filter((layer) => isLayerShown(maskLayerId(layer.name), style));
}

/** The two mask layers of which only what differs is drawn, when the record has both. */
export function comparedMasks(
  record: ImageRecord,
  style: OverlayStyle,
): { a: MaskLayer; b: MaskLayer } | null {
  const { difference } = style;
  if (!difference || !style.areMasksOn) return null;
  const find = (id: LayerId): MaskLayer | undefined =>
    record.masks?.find((layer) => maskLayerId(layer.name) === id);
  const a = find(difference.a);
  const b = find(difference.b);
  return a && b ? { a, b } : null;
}

/** The same style with a class, a layer, … switched. */
export function toggled<T>(list: readonly T[], item: T): T[] {
  return list.includes(item) ? list.filter((each) => each !== item) : [...list, item];
}
