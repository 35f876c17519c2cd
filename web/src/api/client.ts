/** The only module that talks to the server. */

import { PartReader } from "../model/parts";
import type {
  Suggestion,
  Difference,
  Item,
  Page,
  Pixels,
  RunSummary,
  Series,
  Steps,
  StoreSummary,
  Values,
} from "./types";

/** What the server refused, in its own words; status 0 means that there was no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export type ThumbnailSize = 64 | 128 | 256 | 512 | 1024;

type Parameter = string | number | readonly string[] | null | undefined;

export const api = {
  store: (signal?: AbortSignal) => get<StoreSummary>("/api/store", {}, signal),
  runs: (signal?: AbortSignal) => get<RunSummary[]>("/api/runs", {}, signal),
  steps: (run: string, key: string, signal?: AbortSignal) => get<Steps>("/api/steps", { run, key }, signal),
  series: (run: readonly string[], name: readonly string[], signal?: AbortSignal) =>
    get<Series[]>("/api/series", { run, name }, signal),
  latest: (
    query: { run: readonly string[]; key: readonly string[]; at: number | null; axis: string; limit?: number },
    signal?: AbortSignal,
  ) => get<Item[]>("/api/latest", query, signal),
  /** One page, which is not full when its images are hard to find: then its cursor goes on. */
  images: (query: { q: string; cursor?: string | null; limit?: number }, signal?: AbortSignal) =>
    get<Page>("/api/images", query, signal),
  /** The first images that a query finds, however hard to find. */
  firstImages: async (q: string, limit: number, signal?: AbortSignal) => {
    const items: Item[] = [];
    let cursor: string | null = null;
    do {
      const page: Page = await api.images({ q, cursor, limit: limit - items.length }, signal);
      items.push(...page.items);
      ({ cursor } = page);
    } while (cursor !== null && items.length < limit);
    return items;
  },
  image: (id: string, signal?: AbortSignal) => get<Item>(`/api/images/${encodeURIComponent(id)}`, {}, signal),
  values: (run: string, step: number, signal?: AbortSignal) =>
    get<Values>("/api/values", { run, step }, signal),
  complete: (q: string, at: number, signal?: AbortSignal) =>
    get<Suggestion[]>("/api/complete", { q, at }, signal),
  pixels: (
    digest: string,
    area: { x: number; y: number; width: number; height: number; kind?: "picture" | "mask" },
    signal?: AbortSignal,
  ) => get<Pixels>(`/api/pixels/${digest}`, area, signal),
  difference: (a: string, b: string, signal?: AbortSignal) =>
    get<Difference>("/api/difference", { a, b }, signal),
  /** The stored bytes of a picture or a mask. */
  bytes: async (digest: string, signal?: AbortSignal) => (await ask(pictureUrl(digest), signal)).blob(),
  /** The picture reduced so that its longest side has this size. */
  thumbnail: async (digest: string, size: ThumbnailSize, signal?: AbortSignal) =>
    (await ask(thumbnailUrl(digest, size), signal)).blob(),
  /** Many of them at once: tells of each as it comes, null when it is not there. */
  thumbnails: async (
    digests: readonly string[],
    size: ThumbnailSize,
    tell: (digest: string, file: Blob | null) => void,
    signal?: AbortSignal,
  ) => {
    const { body } = await ask(urlOf(`/thumbnails/${size}`, { digest: digests }), signal);
    const reader = body!.getReader();
    const parts = new PartReader();
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      for (const { number, bytes } of parts.push(chunk.value)) {
        tell(digests[number]!, bytes.length ? new Blob([bytes], { type: "image/webp" }) : null);
      }
    }
  },
  events: () => new EventSource("/api/events"),
};

export function pictureUrl(digest: string): string {
  return `/picture/${digest}`;
}

export function thumbnailUrl(digest: string, size: ThumbnailSize): string {
  return `/thumbnail/${digest}/${size}.webp`;
}

/** Return the path with what is set among the parameters; a list repeats its name. */
export function urlOf(path: string, parameters: Record<string, Parameter>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

async function get<T>(path: string, parameters: Record<string, Parameter>, signal?: AbortSignal): Promise<T> {
  return (await ask(urlOf(path, parameters), signal)).json() as Promise<T>;
}

async function ask(url: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(url, signal ? { signal } : {}).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The server does not answer. Is `filmstrip view` still running?");
  });
  if (!response.ok) throw new ApiError(response.status, await reasonOf(response));
  return response;
}

async function reasonOf(response: Response): Promise<string> {
  try {
    return ((await response.json()) as { error: string }).error;
  } catch {
    return `The server answered ${response.status} ${response.statusText}`.trim();
  }
}
