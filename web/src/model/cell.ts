/** What is said of one image beside its pixels. */

import type { Item } from "../api/types";
import type { Place } from "./viewState";

export function placeOf(item: Item): Place {
  return { run: item.run_id, key: item.key, step: item.step, index: item.index };
}

/** What a screen reader says of an image, and what shows when the pointer rests on it. */
export function cellLabel(item: Item, runName: string): string {
  const caption = item.record.caption ? `${item.record.caption}\n` : "";
  return `${caption}${runName}, ${item.key}, step ${item.step}, image ${item.index}`;
}
