/** Pictures from the server, decoded by a worker. */

import { api } from "../api/client";
import type { Mask } from "../model/masks";
import type { Samples } from "../model/png";
import { Pictures } from "./pictures";
import type { PictureSource } from "./source";
import type { Answer, Request } from "./worker";

type Ask = Request extends infer R ? (R extends Request ? Omit<R, "id"> : never) : never;

class Decoder {
  #worker: Worker | undefined;
  #nextId = 0;
  readonly #waiting = new Map<number, { done: (value: never) => void; failed: (error: Error) => void }>();

  ask<T>(request: Ask): Promise<T> {
    this.#worker ??= this.#start();
    const id = this.#nextId++;
    return new Promise<T>((done, failed) => {
      this.#waiting.set(id, { done, failed });
      this.#worker!.postMessage({ ...request, id }, [request.bytes.buffer as ArrayBuffer]);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) waiting?.failed(new Error(data.error));
      else waiting?.done(data.value as never);
    };
    return worker;
  }
}

const decoder = new Decoder();

const serverSource: PictureSource = {
  file: (digest) => api.bytes(digest),
  thumbnails: (digests, size, tell, signal) =>
    api.thumbnails(
      digests,
      size,
      (digest, file) => tell(digest, file ? Promise.resolve(file) : api.thumbnail(digest, size)),
      signal,
    ),
  pixels: (digest, area) => api.pixels(digest, area),
  difference: (a, b) => api.difference(a, b),
  decodeMask: (bytes, within) => decoder.ask<Mask>({ kind: "mask", bytes, within }),
  decodeSamples: (bytes) => decoder.ask<Samples>({ kind: "samples", bytes }),
};

export const serverPictures = new Pictures(serverSource);
