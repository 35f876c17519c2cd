/** What the rows of the grid are, and how their images are laid out in lines of cells. */

import type { Item, RunSummary } from "../api/types";
import type { RowKind } from "./viewState";

/** One key of one run: what the server is asked for. */
export interface Pair {
  readonly id: string;
  readonly run: RunSummary;
  readonly key: string;
}

export interface Row {
  readonly id: string;
  /** What its images are from; the rows of groups are from all of them. */
  readonly pairs: readonly Pair[];
  /** The group whose images alone the row shows. */
  readonly group?: string;
}

/** Images of a row that belong together; `label` is empty where nothing was grouped. */
export interface Group {
  readonly label: string;
  readonly size: number;
}

export interface PlacedCell {
  /** Place among the row's images. */
  readonly index: number;
  readonly column: number;
}

export interface PlacedLabel {
  readonly text: string;
  readonly column: number;
  readonly span: number;
}

export interface Line {
  readonly cells: readonly PlacedCell[];
  readonly labels: readonly PlacedLabel[];
}

export function pairId(run: string, key: string): string {
  return `${run}/${key}`;
}

/** Return the keys of the runs, in the order in which they are first met. */
export function keysOf(runs: readonly RunSummary[]): string[] {
  return [...new Set(runs.flatMap((run) => run.keys.map(({ key }) => key)))];
}

/** Return what is shown of runs: each key that a run has and that is not hidden. */
export function pairsOf(runs: readonly RunSummary[], keys: readonly string[] | null): Pair[] {
  const isShown = keys && new Set(keys);
  return runs.flatMap((run) =>
    run.keys
      .filter(({ key }) => !isShown || isShown.has(key))
      .map(({ key }) => ({ id: pairId(run.id, key), run, key })),
  );
}

/** Return the rows for pairs; those of groups follow from the images, by row id. */
export function rowsOf(kind: RowKind, pairs: readonly Pair[], items: readonly Item[] = []): Row[] {
  if (kind === "groups") {
    return [...new Set(items.map(groupOf))].map((group) => ({ id: `group/${group}`, pairs, group }));
  }
  const rows = pairs.map((pair) => ({ id: pair.id, pairs: [pair] }));
  if (kind === "runs") return rows;
  const order = new Map(keysOf(pairs.map(({ run }) => run)).map((key, i) => [key, i]));
  return rows.sort((a, b) => order.get(a.pairs[0]!.key)! - order.get(b.pairs[0]!.key)!);
}

/** The group that an image says it belongs to; without one, images of one place belong together. */
export function groupOf(item: Item): string {
  return groupingOf(item) ?? `image ${item.index}`;
}

function groupingOf(item: Item): string | undefined {
  const grouping = item.record.grouping;
  return grouping === undefined || grouping === null ? undefined : String(grouping);
}

/**
 * Return a row's images with those of a group together, and the groups' sizes.
 *
 * Groups keep the order of their first image. Where none has two images, or none was named,
 * there is nothing to keep together.
 */
export function grouped(items: readonly Item[]): { items: readonly Item[]; groups: Group[] } {
  const found = Map.groupBy(items, (item) => groupingOf(item) ?? "");
  if (found.size < 2 || found.size === items.length) {
    return { items, groups: items.length ? [{ label: "", size: items.length }] : [] };
  }
  const groups = [...found].map(([label, members]) => ({ label, size: members.length }));
  return { items: [...found.values()].flat(), groups };
}

/** Return the lines that groups fill; a group is broken only where it is wider than a line. */
export function linesOf(groups: readonly Group[], columns: number): Line[] {
  const lines: { cells: PlacedCell[]; labels: PlacedLabel[] }[] = [];
  let [column, index] = [columns, 0];
  for (const { label, size } of groups) {
    let left = size;
    if (size > columns - column) column = columns;
    while (left > 0) {
      if (column === columns) {
        lines.push({ cells: [], labels: [] });
        column = 0;
      }
      const span = Math.min(left, columns - column);
      const line = lines.at(-1)!;
      if (label) line.labels.push({ text: label, column, span });
      for (let i = 0; i < span; i++) line.cells.push({ index: index++, column: column++ });
      left -= span;
    }
  }
  return lines;
}
