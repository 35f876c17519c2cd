/** Many files in one answer, as `filmstrip/server/thumbnail_parts.py` writes them. */

export interface Part {
  /** Which of those asked for. */
  number: number;
  /** The file; empty when there is none. */
  bytes: Uint8Array<ArrayBuffer>;
}

const HEADER_BYTES = 6;

export class PartReader {
  #rest = new Uint8Array(0);

  /** The parts that are whole now that these bytes have come, too. */
  push(chunk: Uint8Array): Part[] {
    const bytes = new Uint8Array(this.#rest.length + chunk.length);
    bytes.set(this.#rest);
    bytes.set(chunk, this.#rest.length);
    const view = new DataView(bytes.buffer);
    const parts: Part[] = [];
    let start = 0;
    while (start + HEADER_BYTES <= bytes.length) {
      const end = start + HEADER_BYTES + view.getUint32(start + 2);
      if (end > bytes.length) break;
      parts.push({ number: view.getUint16(start), bytes: bytes.subarray(start + HEADER_BYTES, end) });
      start = end;
    }
    this.#rest = bytes.subarray(start);
    return parts;
  }
}
