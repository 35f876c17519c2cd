/**
 * PNG, decoded exactly: samples of 8 and 16 bits as they are stored.
 *
 * A canvas keeps 8 bits and multiplies colour by alpha, which loses 16-bit values and mask ids that
 * are packed into four channels. Sections name the PNG specification, third edition.
 */

export interface Samples {
  width: number;
  height: number;
  channels: number;
  bitDepth: 8 | 16;
  /** Row by row, channels together. */
  values: Uint8Array | Uint16Array;
}

/** A file that is no PNG, or one of a kind that is not decoded here. */
export class PngError extends Error {}

interface Header {
  width: number;
  height: number;
  bitDepth: number;
  colorType: number;
  isInterlaced: boolean;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 4: 2, 6: 4 }; // 11.2.1, palettes left out
const MAX_SAMPLES = 1 << 28;

/** Whether these bytes are a PNG that `decodePng` decodes, by its first 29 bytes. */
export function isExactPng(bytes: Uint8Array): boolean {
  try {
    checkHeader(readHeader(bytes));
    return true;
  } catch {
    return false;
  }
}

/** The samples of a grey, RGB or RGBA file of 8 or 16 bits that is not interlaced. */
export async function decodePng(bytes: Uint8Array): Promise<Samples> {
  const header = readHeader(bytes);
  const channels = checkHeader(header);
  const bitDepth = header.bitDepth as 8 | 16;
  const pixelBytes = (channels * bitDepth) / 8;
  const rowBytes = header.width * pixelBytes;
  const length = header.height * (rowBytes + 1);
  const filtered = await inflate(imageData(bytes), length);
  const raw = unfilter(filtered, header.height, rowBytes, pixelBytes);
  const values = bitDepth === 8 ? raw : wide(raw);
  return { width: header.width, height: header.height, channels, bitDepth, values };
}

function readHeader(bytes: Uint8Array): Header {
  const view = viewOn(bytes);
  const isPng = bytes.length >= 29 && SIGNATURE.every((byte, i) => bytes[i] === byte);
  if (!isPng) throw new PngError("not a PNG file");
  return {
    width: view.getUint32(16),
    height: view.getUint32(20),
    bitDepth: view.getUint8(24),
    colorType: view.getUint8(25),
    isInterlaced: view.getUint8(28) !== 0,
  };
}

function checkHeader({ width, height, bitDepth, colorType, isInterlaced }: Header): number {
  const channels = CHANNELS[colorType];
  if (!channels || (bitDepth !== 8 && bitDepth !== 16) || isInterlaced) {
    throw new PngError(`a PNG of colour type ${colorType} with ${bitDepth} bits`);
  }
  if (!width || !height || width * height * channels > MAX_SAMPLES) {
    throw new PngError(`a PNG of ${width} × ${height} pixels`);
  }
  return channels;
}

/** The deflated stream: the data of every IDAT, joined (10.1). */
function imageData(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
  const view = viewOn(bytes);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const name = view.getUint32(at + 4);
    if (at + 12 + length > bytes.length) throw new PngError("a PNG that is cut off");
    if (name === 0x49444154) parts.push(bytes.slice(at + 8, at + 8 + length));
    if (name === 0x49454e44) break;
    at += 12 + length;
  }
  if (!parts.length) throw new PngError("a PNG without pixels");
  return parts;
}

async function inflate(parts: Uint8Array<ArrayBuffer>[], length: number): Promise<Uint8Array> {
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  const reader = stream.getReader();
  const whole = new Uint8Array(length);
  let filled = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const part = value.subarray(0, length - filled);
      whole.set(part, filled);
      filled += part.length;
      if (filled === length) break; // a bomb is not read further than its header says
    }
  } catch (error) {
    throw new PngError(`a PNG that does not inflate: ${String(error)}`);
  } finally {
    reader.cancel().catch(() => undefined);
  }
  if (filled < length) throw new PngError("a PNG with rows missing");
  return whole;
}

/** Undo the filter of each row (9.2). */
function unfilter(filtered: Uint8Array, height: number, rowBytes: number, pixelBytes: number): Uint8Array {
  const raw = new Uint8Array(height * rowBytes);
  for (let y = 0; y < height; y++) {
    const from = y * (rowBytes + 1) + 1;
    const row = raw.subarray(y * rowBytes, (y + 1) * rowBytes);
    const above = y ? raw.subarray((y - 1) * rowBytes, y * rowBytes) : undefined;
    row.set(filtered.subarray(from, from + rowBytes));
    unfilterRow(filtered[from - 1]!, row, above, pixelBytes);
  }
  return raw;
}

function unfilterRow(
  filter: number,
  row: Uint8Array,
  above: Uint8Array | undefined,
  pixelBytes: number,
): void {
  const n = row.length;
  if (filter === 0 || (filter === 2 && !above)) return;
  if (filter === 1 || (filter === 4 && !above)) {
    for (let i = pixelBytes; i < n; i++) row[i] = row[i]! + row[i - pixelBytes]!;
  } else if (filter === 2) {
    for (let i = 0; i < n; i++) row[i] = row[i]! + above![i]!;
  } else if (filter === 3) {
    for (let i = 0; i < n; i++) {
      const left = i < pixelBytes ? 0 : row[i - pixelBytes]!;
      row[i] = row[i]! + ((left + (above?.[i] ?? 0)) >> 1);
    }
  } else if (filter === 4) {
    unfilterPaeth(row, above!, pixelBytes);
  } else {
    throw new PngError(`a PNG with filter ${filter}`);
  }
}

function unfilterPaeth(row: Uint8Array, above: Uint8Array, pixelBytes: number): void {
  for (let i = 0; i < row.length; i++) {
    const left = i < pixelBytes ? 0 : row[i - pixelBytes]!;
    const up = above[i]!;
    const corner = i < pixelBytes ? 0 : above[i - pixelBytes]!;
    const guess = left + up - corner;
    const byLeft = Math.abs(guess - left);
    const byUp = Math.abs(guess - up);
    const byCorner = Math.abs(guess - corner);
    const nearest = byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner;
    row[i] = row[i]! + nearest;
  }
}

/** Samples of 16 bits, most significant byte first in the file. */
function wide(raw: Uint8Array): Uint16Array {
  const values = new Uint16Array(raw.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = (raw[2 * i]! << 8) | raw[2 * i + 1]!;
  return values;
}

function viewOn(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
