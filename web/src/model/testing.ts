/** Made-up runs and images for tests. */

import type { Item, RunSummary } from "../api/types";

export function run(id: string, keys: readonly string[] = ["val"], fields: Partial<RunSummary> = {}): RunSummary {
  return {
    id,
    name: `run ${id}`,
    project: "p",
    group: "",
    tags: [],
    notes: "",
    config: {},
    created: 0,
    finished: null,
    state: "finished",
    is_live: false,
    host: "",
    num_images: keys.length,
    num_missing: 0,
    series: [],
    keys: keys.map((key) => ({
      key,
      num_images: 1,
      num_stored: 1,
      num_steps: 1,
      first_step: 0,
      last_step: 0,
      max_per_step: 1,
    })),
    ...fields,
  };
}

export function item(index: number, grouping?: string | number, size = { width: 4, height: 3 }): Item {
  return {
    id: String(index),
    run_id: "a",
    key: "val",
    step: 7,
    index,
    digest: "",
    mask_digests: {},
    record: {
      kind: "image",
      run_id: "a",
      key: "val",
      step: 7,
      index,
      time: 0,
      ...size,
      mode: "RGB",
      format: "png",
      source: { kind: "numpy" },
      members: [],
      ...(grouping === undefined ? {} : { grouping }),
    },
  };
}
