/** The whole state of the page as one immutable value, and the same value as a URL. */

export type ViewName = "grid" | "filmstrip" | "find" | "focus" | "compare";
export type RowKind = "runs" | "keys" | "groups";

/** Where an image stands; `index` counts within the key and step. */
export interface Place {
  readonly run: string;
  readonly key: string;
  readonly step: number;
  readonly index: number;
}

export interface ViewState {
  readonly view: ViewName;
  /** Runs that are shown; null is all of them. */
  readonly runs: readonly string[] | null;
  /** Keys that are shown; null is all of them. */
  readonly keys: readonly string[] | null;
  readonly rows: RowKind;
  /** `step`, `time`, or the name of a logged number: what the slider runs over. */
  readonly axis: string;
  /** Where the slider stands; null is at the newest, and stays there. */
  readonly at: number | null;
  /** Width of a cell in CSS pixels. */
  readonly cell: number;
  /** The query bar of Find. */
  readonly query: string;
  /** The number drawn above a filmstrip; null lets the page choose. */
  readonly series: string | null;
  /** The image that Focus and Filmstrip show, and A of Compare. */
  readonly place: Place | null;
  /** B of Compare. */
  readonly other: Place | null;
  /** Layers, classes and thresholds, as `overlays.ts` writes them. */
  readonly overlays: string;
  /** What Focus and Compare add of their own: zoom, window, mode, gain. */
  readonly inspect: string;
}

export const START: ViewState = {
  view: "grid",
  runs: null,
  keys: null,
  rows: "runs",
  axis: "step",
  at: null,
  cell: 176,
  query: "",
  series: null,
  place: null,
  other: null,
  overlays: "",
  inspect: "",
};

export const CELL_MIN = 64;
export const CELL_MAX = 1024;

interface Codec<T> {
  /** Each string becomes one `name=value`; none leaves the field out. */
  toUrl: (value: T) => readonly string[];
  /** Undefined is what cannot be read: the field keeps its start value. */
  fromUrl: (texts: readonly string[]) => T | undefined;
}

const FIELDS: { [Name in keyof ViewState]: Codec<ViewState[Name]> } = {
  view: oneOf("grid", "filmstrip", "find", "focus", "compare"),
  runs: listOrNull(),
  keys: listOrNull(),
  rows: oneOf("runs", "keys", "groups"),
  axis: text(),
  at: nullable(finite()),
  cell: integer(CELL_MIN, CELL_MAX),
  query: text(),
  series: nullable(text()),
  place: nullable(place()),
  other: nullable(place()),
  overlays: text(),
  inspect: text(),
};

const NAMES = Object.keys(FIELDS) as (keyof ViewState)[];

/** Return the query string of a state: `""` or `?…`. What equals the start state is left out. */
export function toUrl(state: ViewState): string {
  const parts = NAMES.flatMap((name) => partsOf(name, state[name]));
  return parts.length ? `?${parts.join("&")}` : "";
}

function partsOf<Name extends keyof ViewState>(name: Name, value: ViewState[Name]): string[] {
  const texts = FIELDS[name].toUrl(value);
  if (same(texts, FIELDS[name].toUrl(START[name]))) return [];
  return texts.map((one) => `${name}=${escape(one)}`);
}

/** Return the state that `toUrl` wrote; what is missing or broken is as in the start state. */
export function fromUrl(query: string): ViewState {
  const parameters = new URLSearchParams(query);
  const read = <Name extends keyof ViewState>(name: Name): [Name, ViewState[Name]] => {
    const texts = parameters.getAll(name);
    const value = texts.length ? FIELDS[name].fromUrl(texts) : undefined;
    return [name, value === undefined ? START[name] : value];
  };
  return Object.fromEntries(NAMES.map(read)) as unknown as ViewState;
}

/** Return one part of a place's text back and forth: four parts, each escaped, with `/` between. */
export function placeText({ run, key, step, index }: Place): string {
  return [encodeURIComponent(run), encodeURIComponent(key), step, index].join("/");
}

export function placeFromText(written: string): Place | undefined {
  const parts = written.split("/");
  if (parts.length !== 4) return undefined;
  const [step, index] = [Number(parts[2]), Number(parts[3])];
  if (!Number.isSafeInteger(step) || !Number.isSafeInteger(index) || index < 0) return undefined;
  try {
    const [run, key] = [decodeURIComponent(parts[0]!), decodeURIComponent(parts[1]!)];
    return { run, key, step, index };
  } catch {
    return undefined;
  }
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}

/** Escape for a query string, but leave readable what needs no escape there. */
function escape(value: string): string {
  return encodeURIComponent(value)
    .replaceAll("%20", "+")
    .replace(/%(2F|3A|2C|40|3B|24)/g, (code) => decodeURIComponent(code));
}

function oneOf<T extends string>(...names: readonly T[]): Codec<T> {
  return {
    toUrl: (value) => [value],
    fromUrl: ([value]) => names.find((name) => name === value),
  };
}

function text(): Codec<string> {
  return { toUrl: (value) => [value], fromUrl: ([value]) => value };
}

function finite(): Codec<number> {
  return {
    toUrl: (value) => [Object.is(value, -0) ? "-0" : String(value)],
    fromUrl: ([value]) => (value && Number.isFinite(Number(value)) ? Number(value) : undefined),
  };
}

function integer(min: number, max: number): Codec<number> {
  const number = finite();
  return {
    toUrl: number.toUrl,
    fromUrl: (texts) => {
      const value = number.fromUrl(texts);
      return value === undefined ? undefined : Math.min(max, Math.max(min, Math.round(value)));
    },
  };
}

function place(): Codec<Place> {
  return {
    toUrl: (value) => [placeText(value)],
    fromUrl: ([value]) => (value ? placeFromText(value) : undefined),
  };
}

/** Null is written as nothing at all, so it needs to be the start value. */
function nullable<T>(codec: Codec<T>): Codec<T | null> {
  return {
    toUrl: (value) => (value === null ? [] : codec.toUrl(value)),
    fromUrl: (texts) => codec.fromUrl(texts),
  };
}

/** Null is nothing, the empty list one empty text; an empty text in a list is written `\`. */
function listOrNull(): Codec<readonly string[] | null> {
  return {
    toUrl: (value) => {
      if (value === null) return [];
      return value.length ? value.map((one) => (/^\\*$/.test(one) ? `\\${one}` : one)) : [""];
    },
    fromUrl: (texts) => {
      if (same(texts, [""])) return [];
      return texts.map((one) => (/^\\+$/.test(one) ? one.slice(1) : one));
    },
  };
}
