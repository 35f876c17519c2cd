/** What an exported page holds: records as JSON, files as base64, each in an element that no browser runs. */

import type { Item } from "../api/types";
import type { PictureSource } from "../canvas/source";
import { decodeMask, scaledMask } from "../model/masks";
import { decodePng } from "../model/png";

/** `filmstrip/export/page.py` writes this. */
export interface PageIndex {
  run: {
    id: string;
    name: string;
    project: string;
    notes?: string;
    tags?: string[];
    config?: Record<string, unknown>;
  };
  /** By key, step and index. */
  items: Item[];
  /** Numbers and texts by step. */
  values: { step: number; values: Record<string, unknown> }[];
}

export function readIndex(page: Document): PageIndex {
  const text = page.getElementById("index")?.textContent;
  if (!text) throw new Error("This file is not whole: its index is missing. Export it again.");
  return JSON.parse(text) as PageIndex;
}

/** The files that the page itself holds; there is nothing to ask a server for. */
export function pageSource(page: Document): PictureSource {
  const files = elementsBy(page, "digest");
  const displays = elementsBy(page, "display");
  const read = (elements: Map<string, Element>, digest: string): Blob => {
    const text = elements.get(digest)?.textContent;
    if (text === undefined || text === null) throw new Error("This picture is not in the file.");
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Blob([bytes], { type: elements.get(digest)!.getAttribute("data-type") ?? "" });
  };
  return {
    file: async (digest) => read(files, digest),
    hasThumbnail: (digest) => displays.has(digest),
    thumbnails: async (digests, _size, tell) => {
      for (const digest of digests) tell(digest, Promise.resolve().then(() => read(displays, digest)));
    },
    decodeMask: async (bytes, within) => {
      const mask = await decodeMask(bytes);
      return within ? scaledMask(mask, within) : mask;
    },
    decodeSamples: decodePng,
  };
}

function elementsBy(page: Document, name: "digest" | "display"): Map<string, Element> {
  const found = page.querySelectorAll(`script[data-${name}]`);
  return new Map([...found].map((element) => [element.getAttribute(`data-${name}`)!, element]));
}

/** What each key shows at a step: its images at the newest step at or before. */
export function shownAt(items: readonly Item[], at: number): { key: string; items: Item[] }[] {
  const newest = new Map<string, number>();
  for (const { key, step } of items) {
    const known = newest.get(key) ?? -Infinity;
    newest.set(key, step <= at ? Math.max(known, step) : known);
  }
  return [...newest].map(([key, step]) => ({
    key,
    items: items.filter((item) => item.key === key && item.step === step),
  }));
}
