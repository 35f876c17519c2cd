/** What there is to switch: the layers, classes and scores of the pictures that are shown. */

import type { ClassLabel, ImageRecord } from "../api/types";
import { isBackground } from "./colors";
import { boxLayerId, boxesOf, maskLayerId, type LayerId } from "./overlays";

export interface LayerOption {
  id: LayerId;
  name: string;
  kind: "boxes" | "masks";
}

export interface ClassOption {
  name: string;
  /** What the class was given its colour with; for `classColor`. */
  label: ClassLabel | undefined;
  numBoxes: number;
  layers: LayerId[];
}

export interface ScoreOption {
  name: string;
  min: number;
  max: number;
}

export interface OverlayOptions {
  layers: LayerOption[];
  /** By name; background is left out. */
  classes: ClassOption[];
  scores: ScoreOption[];
}

export function overlayOptions(records: readonly ImageRecord[]): OverlayOptions {
  const layers = new Map<LayerId, LayerOption>();
  const classes = new Map<string, ClassOption>();
  const scores = new Map<string, ScoreOption>();
  const note = (name: string, label: ClassLabel | undefined, layer: LayerId): ClassOption => {
    const known = classes.get(name) ?? { name, label, numBoxes: 0, layers: [] };
    if (!known.layers.includes(layer)) known.layers.push(layer);
    known.label ??= label;
    classes.set(name, known);
    return known;
  };
  for (const record of records) {
    for (const layer of record.boxes ?? []) {
      const id = boxLayerId(layer.name);
      layers.set(id, { id, name: layer.name, kind: "boxes" });
    }
    for (const box of boxesOf(record)) {
      const layer = record.boxes?.find(({ name }) => name === box.layer);
      const label = layer?.class_labels?.find(({ id }) => id === box.classId);
      if (box.className) note(box.className, label, boxLayerId(box.layer)).numBoxes++;
      for (const { name, value } of box.scores) noteScore(scores, name, value);
    }
    for (const layer of record.masks ?? []) {
      const id = maskLayerId(layer.name);
      layers.set(id, { id, name: layer.name, kind: "masks" });
      for (const label of layer.class_labels ?? []) {
        if (!isBackground(label.id, label)) note(label.name, label, id);
      }
    }
  }
  const byName = new Intl.Collator("en", { numeric: true });
  return {
    layers: [...layers.values()],
    classes: [...classes.values()].sort((a, b) => byName.compare(a.name, b.name)),
    scores: [...scores.values()].filter(({ min, max }) => min <= max),
  };
}

function noteScore(scores: Map<string, ScoreOption>, name: string, value: number | null): void {
  const known = scores.get(name) ?? { name, min: Infinity, max: -Infinity };
  if (value !== null && Number.isFinite(value)) {
    known.min = Math.min(known.min, value);
    known.max = Math.max(known.max, value);
  }
  scores.set(name, known);
}

/** The ends of a score's slider: 0 to 1 where all scores are in there, as most are. */
export function sliderRange({ min, max }: ScoreOption): { low: number; high: number; step: number } {
  const isUnit = min >= 0 && max <= 1;
  const [low, high] = isUnit ? [0, 1] : [min, max > min ? max : min + 1];
  return { low, high, step: isUnit ? 0.01 : (high - low) / 100 };
}
