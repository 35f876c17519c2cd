/** Decodes masks and samples off the main thread. */

import { decodeMask, scaledMask } from "../model/masks";
import { decodePng } from "../model/png";
import type { Size } from "../model/viewport";

export type Request =
  | { id: number; kind: "mask"; bytes: Uint8Array; within: Size | null }
  | { id: number; kind: "samples"; bytes: Uint8Array };

export type Answer = { id: number; value: unknown } | { id: number; error: string };

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  try {
    const value = data.kind === "mask" ? await mask(data) : await decodePng(data.bytes);
    const { buffer } = "ids" in value ? value.ids : value.values;
    self.postMessage({ id: data.id, value } satisfies Answer, { transfer: [buffer] });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    self.postMessage({ id: data.id, error: message } satisfies Answer);
  }
};

async function mask({ bytes, within }: Extract<Request, { kind: "mask" }>) {
  const whole = await decodeMask(bytes);
  return within ? scaledMask(whole, within) : whole;
}
