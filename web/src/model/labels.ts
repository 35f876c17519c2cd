/** Labels of boxes, placed so that they stay inside the panel and out of each other's way. */

import { clamp, type Rect, type Size } from "./viewport";

export interface LabelWish {
  /** The box, in panel pixels. */
  box: Rect;
  /** Of the whole label, in panel pixels. */
  size: Size;
  /** The box is pointed at: its label comes before all others. */
  isFirst?: boolean;
}

export interface LabelPlace {
  /** Which of the wishes. */
  index: number;
  left: number;
  top: number;
}

/** Labels that are placed at most: more cannot be read, and cost more than a frame. */
export const MAX_LABELS = 250;

/** Share of the area that labels may cover: beyond that they hide what they are about. */
export const MAX_COVERED = 0.15;

/**
 * Return a place for each label that has room; the others are left out, so that none is covered
 * and the picture can be seen.
 *
 * A label goes above its box, else inside, below, or to its right end. Small boxes choose first:
 * large ones have more room.
 */
export function placeLabels(wishes: readonly LabelWish[], area: Rect, inset: number): LabelPlace[] {
  const taken: Rect[] = [];
  const places: LabelPlace[] = [];
  let room = MAX_COVERED * areaOf(area);
  for (const index of smallestFirst(wishes, area)) {
    const { box, size } = wishes[index]!;
    if (room <= 0 && !wishes[index]!.isFirst) break;
    const found = choices(clip(box, area), size, inset)
      .map(({ left, top }) => ({ left: clamp(left, area.left, area.right - size.width), top }))
      .find(({ left, top }) => {
        const rect = { left, top, right: left + size.width, bottom: top + size.height };
        return isInside(rect, area) && !taken.some((other) => isOver(rect, other));
      });
    if (!found) continue;
    const { left, top } = found;
    taken.push({ left, top, right: left + size.width, bottom: top + size.height });
    places.push({ index, left, top });
    room -= size.width * size.height;
    if (places.length >= MAX_LABELS) break;
  }
  return places;
}

function smallestFirst(wishes: readonly LabelWish[], area: Rect): number[] {
  const indices = wishes.map((_, i) => i).filter((i) => isOver(wishes[i]!.box, area));
  const rank = (i: number): number => (wishes[i]!.isFirst ? -1 : areaOf(wishes[i]!.box));
  return indices.sort((a, b) => rank(a) - rank(b) || a - b);
}

function choices(box: Rect, size: Size, inset: number): { left: number; top: number }[] {
  return [
    { left: box.left, top: box.top - size.height },
    { left: box.left + inset, top: box.top + inset },
    { left: box.left, top: box.bottom },
    { left: box.right - size.width, top: box.top - size.height },
    { left: box.right - size.width - inset, top: box.bottom - size.height - inset },
    { left: box.left + inset, top: box.bottom - size.height - inset },
  ];
}

function clip(box: Rect, area: Rect): Rect {
  return {
    left: clamp(box.left, area.left, area.right),
    top: clamp(box.top, area.top, area.bottom),
    right: clamp(box.right, area.left, area.right),
    bottom: clamp(box.bottom, area.top, area.bottom),
  };
}

function isInside(rect: Rect, area: Rect): boolean {
  return (
    rect.left >= area.left - 0.01 &&
    rect.top >= area.top - 0.01 &&
    rect.right <= area.right + 0.01 &&
    rect.bottom <= area.bottom + 0.01
  );
}

function isOver(a: Rect, b: Rect): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function areaOf(rect: Rect): number {
  return (rect.right - rect.left) * (rect.bottom - rect.top);
}
