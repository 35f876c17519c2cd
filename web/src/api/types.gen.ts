// Made by `make gen` from the API document of filmstrip.server; not to be edited.

export type NonFinite = "NaN" | "Infinity" | "-Infinity";

/** A number as JSON can hold it. */
export type Numeric = number | NonFinite;

/** One layer of boxes: `xyxy` in pixels of the picture as displayed, origin top left. */
export interface BoxLayer {
  name: string;
  xyxy?: Numeric[][];
  class_id?: (number | null)[];
  scores?: ScoreColumn[];
  captions?: (string | null)[];
  class_labels?: ClassLabel[];
}

/** One class: its id, its name, and the colour it is drawn in. */
export interface ClassLabel {
  id: number;
  name: string;
  color?: string;
}

/** How far two pictures of one size are from each other, on their original values. */
export interface Difference {
  width: number;
  height: number;
  channels: number;
  dtype: string;
  mean_absolute: Numeric;
  max_absolute: Numeric;
  root_mean_square: Numeric;
  num_pixels_different: number;
}

/** One logged image; the last member of its sample and its commit. */
export interface ImageRecord {
  kind: "image";
  schema?: number;
  run_id: string;
  key: string;
  step: number;
  index: number;
  time: number;
  session?: number;
  rank?: number;
  seq?: number;
  width: number;
  height: number;
  mode: string;
  format: string;
  caption?: string | null;
  grouping?: number | string | null;
  meta?: Record<string, unknown>;
  classes?: ClassLabel[];
  boxes?: BoxLayer[];
  masks?: MaskLayer[];
  source: SourceInfo;
  members: Member[];
}

/** How far the shards have been read; while this is there, counts still grow. */
export interface Indexing {
  done: number;
  total: number;
}

/** One image that views show. */
export interface Item {
  id: string;
  run_id: string;
  key: string;
  step: number;
  index: number;
  digest: string;
  record: ImageRecord;
  mask_digests: Record<string, string>;
}

/** A key of a run that changed since the refresh before. */
export interface KeyChange {
  run_id: string;
  key: string;
  step: number;
  num_images: number;
}

/** The images of one key of a run, counted. */
export interface KeyRow {
  key: string;
  num_images: number;
  num_stored: number;
  num_steps: number;
  first_step: number;
  last_step: number;
  max_per_step: number;
}

/** One layer of class or instance ids, stored as the member of this name. */
export interface MaskLayer {
  name: string;
  member: string;
  dtype: "uint16" | "uint32" | "uint8";
  width: number;
  height: number;
  class_labels?: ClassLabel[];
}

/** One file of a sample, and how to know that its bytes are whole. */
export interface Member {
  name: string;
  size_bytes: number;
  sha256: string;
  link?: string;
  link_shard?: string;
}

/** Some of the images that a query finds, in its order. */
export interface Page {
  items: Item[];
  cursor: string | null;
  total: number;
  is_total_exact: boolean;
}

/** Original values of a part of a picture, cut to what lies inside of it. */
export interface Pixels {
  x: number;
  y: number;
  width: number;
  height: number;
  dtype: "bool" | "float32" | "int32" | "uint16" | "uint32" | "uint8";
  channels: number;
  values: Numeric[];
}

/** `event: problem`: something is wrong with the store. */
export interface ProblemEvent {
  text: string;
}

/** Why a request was not answered; one line. */
export interface Refusal {
  error: string;
}

/** `event: run`: a run is new, has new numbers, is in another state, or is gone. */
export interface RunEvent {
  run_id: string;
  state: string;
}

/** One run, and what it holds. */
export interface RunSummary {
  id: string;
  name: string;
  project: string;
  group: string;
  tags: string[];
  notes: string;
  config: Record<string, unknown>;
  created: number;
  finished: number | null;
  state: string;
  is_live: boolean;
  host: string;
  num_images: number;
  num_missing: number;
  keys: KeyRow[];
  series: string[];
}

/** One score of each box of a layer; `None` where a box has none of this name. */
export interface ScoreColumn {
  name: string;
  values: (Numeric | null)[];
}

/** A logged number over the steps of a run; the lists are parallel, steps ascend. */
export interface Series {
  run_id: string;
  name: string;
  steps: number[];
  times: number[];
  values: Numeric[];
}

/** What `Image` was given, and what the pixel rule made of it. */
export interface SourceInfo {
  kind: string;
  dtype?: string;
  shape?: number[];
  min?: Numeric | null;
  max?: Numeric | null;
  nan_count?: number;
  rule?: "bool" | "clip" | "kept" | "off" | "range" | "signed" | "unit" | "wide";
  range?: number[];
  clipped?: boolean;
}

/** Where a key has images; the lists are parallel, steps ascend. */
export interface Steps {
  steps: number[];
  times: number[];
  counts: number[];
}

/** The store as a whole. */
export interface StoreSummary {
  path: string;
  version: string;
  num_runs: number;
  num_images: number;
  size_bytes: number;
  problems: string[];
  indexing: Indexing | null;
}

/** One way to go on with a query's text. */
export interface Suggestion {
  text: string;
  start: number;
  end: number;
  detail: string;
}

/** Numbers and texts that a run logged at a step; NaN is `{"$float": "NaN"}`. */
export interface Values {
  step: number;
  values: Record<string, unknown>;
}
