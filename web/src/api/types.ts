/** What the server answers, as Python's `filmstrip.server.schema` and `filmstrip.record` define it. */

export type NonFinite = "NaN" | "Infinity" | "-Infinity";
/** A number as JSON can hold it. */
export type Numeric = number | NonFinite;

export interface ClassLabel {
  id: number;
  name: string;
  color?: string;
}

export interface Member {
  name: string;
  size_bytes: number;
  sha256: string;
  link?: string;
  link_shard?: string;
}

export interface SourceInfo {
  kind: string;
  dtype?: string;
  shape?: number[];
  min?: Numeric | null;
  max?: Numeric | null;
  nan_count?: number;
  rule?: "unit" | "signed" | "clip" | "range" | "off" | "bool" | "wide" | "kept";
  range?: number[];
  clipped?: boolean;
}

export interface ScoreColumn {
  name: string;
  values: (Numeric | null)[];
}

export interface BoxLayer {
  name: string;
  xyxy?: Numeric[][];
  class_id?: (number | null)[];
  scores?: ScoreColumn[];
  captions?: (string | null)[];
  class_labels?: ClassLabel[];
}

export interface MaskLayer {
  name: string;
  member: string;
  dtype: "uint8" | "uint16" | "uint32";
  width: number;
  height: number;
  class_labels?: ClassLabel[];
}

export interface ImageRecord {
  kind: "image";
  run_id: string;
  key: string;
  step: number;
  index: number;
  time: number;
  session?: number;
  rank?: number;
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

/** One logged image, where it stands, and what its bytes are called. */
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

export interface Indexing {
  done: number;
  total: number;
}

export interface StoreSummary {
  path: string;
  version: string;
  num_runs: number;
  num_images: number;
  size_bytes: number;
  problems: string[];
  indexing?: Indexing | null;
}

export interface KeySummary {
  key: string;
  num_images: number;
  num_stored: number;
  num_steps: number;
  first_step: number;
  last_step: number;
  max_per_step: number;
}

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
  keys: KeySummary[];
  series: string[];
}

export interface Steps {
  steps: number[];
  times: number[];
  counts: number[];
}

export interface Series {
  run_id: string;
  name: string;
  steps: number[];
  times: number[];
  values: Numeric[];
}

export interface Page {
  items: Item[];
  cursor: string | null;
  /** A lower bound when it is not exact. */
  total: number;
  is_total_exact: boolean;
}

export interface Values {
  step: number;
  values: Record<string, unknown>;
}

/** `text` is what replaces the query's characters from `start` to `end`. */
export interface Completion {
  text: string;
  start: number;
  end: number;
  detail: string;
}

export interface Pixels {
  x: number;
  y: number;
  width: number;
  height: number;
  dtype: string;
  channels: number;
  values: Numeric[];
}

export interface Difference {
  width: number;
  height: number;
  channels: number;
  dtype: string;
  mean_absolute: number;
  max_absolute: number;
  root_mean_square: number;
  num_pixels_different: number;
}

export interface ChangeEvent {
  run_id: string;
  key: string;
  step: number;
  num_images: number;
}

export interface RunEvent {
  run_id: string;
  state: string;
}

export interface ProblemEvent {
  text: string;
}
