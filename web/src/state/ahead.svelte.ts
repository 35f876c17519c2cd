/** What the slider may show next is fetched and decoded before it is asked for. */

import type { Pictures } from "../canvas/pictures";
import { thumbnailFor } from "../model/thumbnails";
import type { Pair } from "../model/rows";
import { stopFrom } from "../model/timeline";
import { WHOLE } from "../model/window";
import { images } from "./images.svelte";
import { timeline } from "./timeline.svelte";

/** Long enough that a slider on the move fetches nothing ahead. */
const QUIET_MS = 40;
const STOPS_AHEAD = [1, -1, 2];

class Ahead {
  /** Fetch what stands a stop on and a stop back; returned is what gives it up. */
  follow(
    pictures: Pictures,
    pairs: readonly Pair[],
    { axis, at }: { axis: string; at: number | null },
    size: { width: number; height: number },
  ): () => void {
    const abort = new AbortController();
    const { stops } = timeline;
    const timer = setTimeout(async () => {
      for (const count of STOPS_AHEAD) {
        const next = stopFrom(stops, at, count);
        if (next === undefined || next === at) continue;
        const items = await images.prefetch(pairs, { axis, at: next }, abort.signal);
        if (abort.signal.aborted) return;
        for (const item of items) {
          const { width, height } = item.record;
          const scale = Math.min(size.width / width, size.height / height) * devicePixelRatio;
          const thumbnail = thumbnailFor(item.record, Math.max(width, height) * scale);
          pictures.load(item, thumbnail, WHOLE, () => !abort.signal.aborted, true).catch(() => undefined);
        }
      }
    }, QUIET_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }
}

export const ahead = new Ahead();
