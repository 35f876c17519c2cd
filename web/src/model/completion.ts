/** Taking up what the server offers to go on with. */

import type { Suggestion } from "../api/types";

/** Return the query with a completion in its place, and where the cursor then stands. */
export function applied(query: string, { text, start, end }: Suggestion): { text: string; cursor: number } {
  return { text: query.slice(0, start) + text + query.slice(end), cursor: start + text.length };
}

/** Return the next of a list that wraps around; -1 is before the first. */
export function moved(chosen: number, count: number, by: 1 | -1): number {
  if (chosen < 0) return by === 1 ? 0 : count - 1;
  return (chosen + by + count) % count;
}
