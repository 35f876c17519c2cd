/** Where pictures come from: the server, or the page itself when it was exported. */

import type { ThumbnailSize } from "../api/client";
import type { Difference, Pixels } from "../api/types";
import type { Mask } from "../model/masks";
import type { Samples } from "../model/png";
import type { Size } from "../model/viewport";

export interface PictureSource {
  /** The stored bytes of a picture or mask. */
  file(digest: string): Promise<Blob>;
  /** Tell of many thumbnails, in any order; undefined where there are only originals. */
  thumbnails?: (
    digests: readonly string[],
    size: ThumbnailSize,
    tell: (digest: string, file: Promise<Blob>) => void,
    signal: AbortSignal,
  ) => Promise<void>;
  /** Whether there is a thumbnail of a picture; of every one when this is left out. */
  hasThumbnail?: (digest: string) => boolean;
  /** Original values, for files that a browser cannot decode; 64 × 64 at most. */
  pixels?: (digest: string, area: { x: number; y: number; width: number; height: number }) => Promise<Pixels>;
  /** How far two pictures are from each other, where the browser cannot decode them. */
  difference?: (a: string, b: string) => Promise<Difference>;
  /** Decode off the main thread, reduced to `within` when that is smaller. */
  decodeMask(bytes: Uint8Array, within: Size | null): Promise<Mask>;
  decodeSamples(bytes: Uint8Array): Promise<Samples>;
}
