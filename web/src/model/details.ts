/** What there is to say about an image, as names and values. */

import type { Item, SourceInfo } from "../api/types";
import { bytesText, momentText, numberText } from "./format";

/** Return where the image is from, what it is, and what became of its values. */
export function factsOf(item: Item, runName: string): [string, string][] {
  const { record } = item;
  const picture = record.members[0];
  const facts: [string, string][] = [
    ["run", runName],
    ["key", item.key],
    ["step", String(item.step)],
    ["image", String(item.index)],
  ];
  if (record.grouping !== undefined && record.grouping !== null) facts.push(["group", String(record.grouping)]);
  facts.push(
    ["size", `${record.width} × ${record.height} ${record.mode}`],
    ["file", [record.format.toUpperCase(), picture && bytesText(picture.size_bytes)].filter(Boolean).join(", ")],
    ["logged", momentText(record.time)],
    ...sourceFacts(record.source),
  );
  return facts;
}

/** What `Image` was given: its type, its range, and how it became pixels. */
function sourceFacts(source: SourceInfo): [string, string][] {
  const facts: [string, string][] = [];
  const shape = source.shape?.length ? ` (${source.shape.join(", ")})` : "";
  facts.push(["source", [source.kind, source.dtype].filter(Boolean).join(" ") + shape]);
  const { min, max } = source;
  if (min !== undefined && min !== null && max !== undefined && max !== null) {
    facts.push(["values", `${valueText(min)} to ${valueText(max)}`]);
  }
  const [low, high] = source.range ?? [];
  if (low !== undefined && high !== undefined) {
    const clipped = source.clipped ? ", cut at the ends" : "";
    facts.push(["shown as", `${numberText(low)} → 0, ${numberText(high)} → 255${clipped}`]);
  }
  if (source.nan_count) facts.push(["not a number", String(source.nan_count)]);
  return facts;
}

function valueText(value: number | string): string {
  return typeof value === "number" ? numberText(value) : value;
}

/** Return numbers and texts that were logged at the step, by name. */
export function numbersOf(values: Record<string, unknown>): [string, unknown][] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
}
