/** The grid as one tall list of headers and lines of cells, of which only a part is drawn. */

import type { Item } from "../api/types";
import { layoutOf, type Layout } from "./layout";
import { linesOf, type Group, type Line, type Row } from "./rows";

export const GAP_PX = 8;
export const HEADER_PX = 34;
export const LABEL_PX = 18;
export const TEXT_PX = 20;
const MIN_RATIO = 0.4;
export const MAX_RATIO = 1.25;

/** What a row shows; nothing of it is known while `items` is undefined. */
export interface Content {
  readonly items: readonly Item[] | undefined;
  readonly groups: readonly Group[];
  /** True while these are still the images of where the slider stood before. */
  readonly isStale: boolean;
}

export interface Entry {
  readonly id: string;
  readonly row: Row;
  readonly content: Content;
  /** Undefined for the header of the row. */
  readonly line: Line | undefined;
  readonly pictureHeight: number;
}

export interface GridLayout extends Layout {
  readonly entries: readonly Entry[];
}

/** Return the height of a row's pictures by their width: that of the tallest, within bounds. */
export function ratioOf(items: readonly Item[]): number {
  const tallest = Math.max(...items.map(({ record }) => record.height / record.width));
  return Math.min(MAX_RATIO, Math.max(MIN_RATIO, tallest));
}

function ratioOfLine({ cells }: Line, items: readonly Item[] | undefined): number | undefined {
  const own = cells.flatMap(({ index }) => items?.[index] ?? []);
  return own.length === cells.length ? ratioOf(own) : undefined;
}

/** Return headers and lines of all rows; `ratio` is for lines whose images are not there yet. */
export function gridLayoutOf(
  rows: readonly { row: Row; content: Content; ratio: number }[],
  columns: number,
  cell: number,
): GridLayout {
  const entries: Entry[] = [];
  const heights: number[] = [];
  for (const { row, content, ratio } of rows) {
    entries.push({ id: row.id, row, content, line: undefined, pictureHeight: 0 });
    heights.push(HEADER_PX);
    linesOf(content.groups, columns).forEach((line, i) => {
      const pictureHeight = Math.round(cell * (ratioOfLine(line, content.items) ?? ratio));
      entries.push({ id: `${row.id}\n${i}`, row, content, line, pictureHeight });
      heights.push(pictureHeight + TEXT_PX + GAP_PX + (line.labels.length ? LABEL_PX : 0));
    });
  }
  return { ...layoutOf(heights), entries };
}
