/** Numbers as records hold them. */

import type { Numeric } from "../api/types";

/** The number that JSON's spelling stands for; NaN for what is missing. */
export function numberFrom(value: Numeric | null | undefined): number {
  return value === null || value === undefined ? NaN : Number(value);
}
