/** Original values of single pixels, a tile of them at a time. */

import type { Item } from "../api/types";
import { Lru } from "../model/lru";
import { numberFrom } from "../model/record";
import { Jobs } from "./jobs";
import type { Pictures } from "./pictures";

const TILE = 64;
const TILE_BYTES = 16 << 20;

export interface PixelValue {
  /** One a channel. */
  values: number[];
  dtype: string;
}

interface Tile {
  width: number;
  channels: number;
  dtype: string;
  values: ArrayLike<number>;
}

export class PixelValues {
  readonly #tiles = new Lru<Tile>(TILE_BYTES);
  readonly #jobs = new Jobs<Tile>(4);

  constructor(readonly pictures: Pictures) {}

  /** The values of a pixel, when they are there already. */
  ready(item: Item, x: number, y: number): PixelValue | undefined {
    const tile = this.#tiles.get(nameOf(item, x, y));
    if (tile) return valueIn(tile, x % TILE, y % TILE);
    const samples = this.pictures.readySamples(item);
    if (!samples || this.pictures.source.pixels) return undefined;
    const dtype = samples.bitDepth === 16 ? "uint16" : "uint8";
    return valueIn({ ...samples, dtype }, x, y);
  }

  async load(item: Item, x: number, y: number): Promise<PixelValue> {
    const { pixels } = this.pictures.source;
    if (pixels) {
      const name = nameOf(item, x, y);
      const area = {
        x: x - (x % TILE),
        y: y - (y % TILE),
        width: Math.min(TILE, item.record.width - x + (x % TILE)),
        height: Math.min(TILE, item.record.height - y + (y % TILE)),
      };
      await this.#jobs.run(name, async () => {
        const found = await pixels(item.digest, area);
        const tile = { ...found, values: found.values.map(numberFrom) };
        this.#tiles.set(name, tile, found.values.length * 8);
        return tile;
      });
    } else {
      await this.pictures.samples(item);
    }
    return this.ready(item, x, y)!;
  }
}

function nameOf(item: Item, x: number, y: number): string {
  return `${item.digest} ${Math.floor(x / TILE)} ${Math.floor(y / TILE)}`;
}

function valueIn({ width, channels, dtype, values }: Tile, x: number, y: number): PixelValue {
  const from = (y * width + x) * channels;
  return { dtype, values: Array.from({ length: channels }, (_, c) => values[from + c] ?? NaN) };
}
