/**
 * Colours of classes: `filmstrip/colors.py` spelled again. `tests/golden/colors.json` holds both.
 */

import type { ClassLabel } from "../api/types";

const SALT = 0x6491557a;
const FNV_PRIME = 0x01000193;
const FINISHER = 0x2c1b3c6d;

const PALETTE = (
  "727e00 009684 904e84 00f6c0 a866fc fca890 3caefc 1e8afc " +
  "d28a60 fcbaf6 00c600 fc660c 009600 c06c72 9690fc 9042d8 " +
  "78ccfc ded884 0c729c cc0000 90d89c fc7e8a ae7e00 a800b4 " +
  "7ef06c 12f0fc 006cd8 de0060 90a200 cc5a00 f0ba00 787ec6 " +
  "007e48 30aeba 6c66f6 fc6cfc fc4878 a8484e 665ab4 fc3cb4 " +
  "3648fc 9cc61e 00d87e f690d8 b41e7e d2de00 c000fc 00fc00 " +
  "78ba7e c0aefc fc1206 00d2c6 965a00 0690c0 fc962a d800ba " +
  "d25ad8 c084c0 f600fc a260ba 0cae60 cc4e96 721efc c0ae5a"
).split(" ");

const BACKGROUND_NAMES = new Set(["background", "bg"]);
const MIDDLE_LUMA = 112;
const encoder = new TextEncoder();

export interface Rgb {
  red: number;
  green: number;
  blue: number;
}

const MOST_KNOWN = 10_000;
const known = new Map<string, string>();

/** The colour of a class of this name, `#rrggbb`: the same in every run and language. */
export function colorOf(name: string): string {
  let color = known.get(name);
  if (color === undefined) {
    color = computedColor(name);
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(name, color);
  }
  return color;
}

function computedColor(name: string): string {
  let mixed = SALT;
  for (const byte of encoder.encode(name)) mixed = Math.imul(mixed ^ byte, FNV_PRIME);
  mixed = Math.imul(mixed ^ (mixed >>> 15), FINISHER);
  mixed ^= mixed >>> 12;
  return `#${PALETTE[(mixed >>> 0) % PALETTE.length]}`;
}

/** Black or white, whichever reads better as text on this colour. */
export function inkOn(color: string): "#000000" | "#ffffff" {
  const { red, green, blue } = rgbFromHex(color);
  const luma = Math.floor((299 * red + 587 * green + 114 * blue) / 1000);
  return luma >= MIDDLE_LUMA ? "#000000" : "#ffffff";
}

export function rgbFromHex(color: string): Rgb {
  const packed = Number.parseInt(color.slice(1, 7), 16);
  return { red: packed >> 16, green: (packed >> 8) & 255, blue: packed & 255 };
}

export function isHexColor(color: unknown): color is string {
  return typeof color === "string" && /^#[0-9a-f]{6}$/i.test(color);
}

/** Whether pixels of this id are left clear when a mask is drawn. */
export function isBackground(classId: number, label: ClassLabel | undefined): boolean {
  if (!label) return classId === 0;
  const bare = label.name.replace(/^_+|_+$/g, "").toLowerCase();
  return !label.color && BACKGROUND_NAMES.has(bare);
}
