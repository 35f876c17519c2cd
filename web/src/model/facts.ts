/** What is known of an image, as rows of a name and a text. */

import type { ImageRecord, Item } from "../api/types";
import { bytesText, momentText, numberText } from "./format";
import { numberFrom } from "./record";

export interface Fact {
  name: string;
  text: string;
}

const MAX_FACTS = 500;

/** Free-form values, one row a leaf; inner names are joined with dots. */
export function factsOf(values: Record<string, unknown>): Fact[] {
  const facts: Fact[] = [];
  const add = (name: string, value: unknown): void => {
    if (facts.length >= MAX_FACTS) return;
    if (isBranch(value)) {
      for (const [inner, each] of Object.entries(value)) add(`${name}.${inner}`, each);
    } else {
      facts.push({ name, text: textOf(value) });
    }
  };
  for (const [name, value] of Object.entries(values)) add(name, value);
  return facts;
}

function isBranch(value: unknown): value is Record<string, unknown> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject && !("$float" in value) && Object.keys(value).length > 0;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null && "$float" in value) return String(value.$float);
  return JSON.stringify(value) ?? "";
}

const RULES: Record<string, string> = {
  unit: "values in [0, 1] became 0 to 255",
  signed: "values in [−1, 1] became 0 to 255",
  clip: "values are within 0 to 255",
  range: "the given range became 0 to 255",
  off: "not scaled",
  bool: "false became 0, true 255",
  wide: "kept with 16 bits",
  kept: "kept as they came",
};

/** Where the pixels came from, and what became of them. */
export function sourceFacts(item: Item): Fact[] {
  const { record } = item;
  const { source } = record;
  const facts: Fact[] = [{ name: "from", text: source.kind }];
  if (source.dtype) facts.push({ name: "dtype", text: source.dtype });
  if (source.shape?.length) facts.push({ name: "shape", text: source.shape.join(" × ") });
  const ends = [source.min, source.max];
  if (ends.every((end) => end !== undefined && end !== null)) {
    facts.push({ name: "values", text: ends.map((end) => numberText(numberFrom(end))).join(" to ") });
  }
  if (source.nan_count) facts.push({ name: "NaN", text: String(source.nan_count) });
  facts.push({ name: "rule", text: RULES[source.rule ?? "kept"] ?? String(source.rule) });
  if (source.clipped) facts.push({ name: "clipped", text: "values outside were cut to the ends" });
  return facts;
}

/** The picture as it is stored. */
export function fileFacts(item: Item): Fact[] {
  const { record } = item;
  return [
    { name: "size", text: `${record.width} × ${record.height}` },
    { name: "mode", text: record.mode },
    { name: "file", text: `${record.format}, ${bytesText(record.members[0]?.size_bytes ?? 0)}` },
    { name: "logged", text: momentText(record.time) },
    ...groupFact(record),
    { name: "sha256", text: item.digest },
  ];
}

function groupFact({ grouping }: ImageRecord): Fact[] {
  return grouping === undefined || grouping === null ? [] : [{ name: "group", text: String(grouping) }];
}
