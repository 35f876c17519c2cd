/** A cache of a bounded number of bytes: what was used longest ago goes first. */
export class Lru<T> {
  readonly #entries = new Map<string, { value: T; bytes: number }>();
  #bytes = 0;

  constructor(
    readonly maxBytes: number,
    readonly onEvict: (value: T) => void = () => undefined,
  ) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Return what is kept under a key, and count that as a use. */
  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Keep a value; the newest is kept even when it alone is too large. */
  set(key: string, value: T, bytes: number): void {
    this.delete(key);
    this.#entries.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.maxBytes || oldest === key) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    this.onEvict(entry.value);
  }
}
