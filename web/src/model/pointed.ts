/** What stands under the pointer: mask classes and boxes. */

import type { ImageRecord, MaskLayer } from "../api/types";
import { isBackground } from "./colors";
import { idAt, type Mask } from "./masks";
import {
  classColor,
  className,
  isLayerShown,
  maskLayerId,
  shownBoxes,
  type Box,
  type OverlayStyle,
} from "./overlays";
import type { Point } from "./viewport";

/** Stands for background, which is drawn in no colour. */
const CLEAR = "#8a939d";

export interface PointedMask {
  layer: string;
  id: number;
  name: string;
  color: string;
}

/** The class of each shown mask at a pixel; layers that are not loaded are left out. */
export function masksAt(
  record: ImageRecord,
  pixel: Point,
  style: OverlayStyle,
  maskOf: (layer: MaskLayer) => Mask | undefined,
): PointedMask[] {
  return (record.masks ?? [])
    .filter((layer) => isLayerShown(maskLayerId(layer.name), style))
    .flatMap((layer) => {
      const mask = maskOf(layer);
      if (!mask) return [];
      const id = idAt(mask, pixel.x, pixel.y, record);
      const name = className(id, layer.class_labels);
      const label = layer.class_labels?.find((each) => each.id === id);
      const color = isBackground(id, label) ? CLEAR : classColor(name, label, style.colors);
      return [{ layer: layer.name, id, name, color }];
    });
}

/** The shown boxes around a pixel, the smallest first. */
export function boxesAt(record: ImageRecord, pixel: Point, style: OverlayStyle): Box[] {
  const x = pixel.x + 0.5;
  const y = pixel.y + 0.5;
  return shownBoxes(record, style)
    .filter((box) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom)
    .reverse();
}
