/** The `Pictures` that a part of the page draws from. */

import { getContext, setContext } from "svelte";
import type { Pictures } from "../canvas/pictures";

const KEY = Symbol("pictures");

export function providePictures(pictures: Pictures): void {
  setContext(KEY, pictures);
}

export function usePictures(): Pictures {
  const pictures = getContext<Pictures | undefined>(KEY);
  if (!pictures) throw new Error("no pictures: call providePictures in a component around this one");
  return pictures;
}
