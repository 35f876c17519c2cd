/** Boxes on a canvas: lines that can be seen on any content, and labels that cover no other. */

import { inkOn } from "../model/colors";
import { placeLabels } from "../model/labels";
import { boxText, type Box, type OverlayStyle } from "../model/overlays";
import { safeText } from "../model/text";
import { clamp, type Placement, type Rect, type Size } from "../model/viewport";

const RIM = "rgb(0 0 0 / 55%)";
const FILL_ALPHA = 0.22;
const FONT_PX = 11;
const LABEL_HEIGHT_PX = 15;
const LABEL_PAD_PX = 4;
const MAX_LABEL_CHARACTERS = 48;
/** A picture drawn smaller than this, in CSS pixels, has no room for labels. */
const MIN_SIDE_WITH_LABELS = 96;
/** Lines are thin on pictures drawn smaller than this, in CSS pixels. */
const FULL_WIDTH_SIDE = 280;

const textWidths = new Map<string, number>();

export interface BoxScene {
  boxes: readonly Box[];
  image: Size;
  /** In device pixels, as `panel`. */
  at: Placement;
  panel: Size;
  pixelRatio: number;
  style: OverlayStyle;
  /** The box that is pointed at. */
  highlight: Box | null;
}

export function paintBoxes(context: CanvasRenderingContext2D, scene: BoxScene): void {
  const drawn = scene.boxes.map((box) => ({ box, rect: screenRect(box, scene) }));
  for (const { box, rect } of drawn) paintBox(context, box, rect, scene);
  if (scene.style.hasLabels) paintLabels(context, drawn, scene);
}

/** The box cut at the picture's edges, on whole device pixels. */
export function screenRect(box: Rect, { image, at }: Pick<BoxScene, "image" | "at">): Rect {
  const x = (value: number): number => Math.round(clamp(value, 0, image.width) * at.scale + at.left);
  const y = (value: number): number => Math.round(clamp(value, 0, image.height) * at.scale + at.top);
  return { left: x(box.left), top: y(box.top), right: x(box.right), bottom: y(box.bottom) };
}

function lineWidthOf({ image, at, pixelRatio, style }: BoxScene): number {
  const side = (Math.min(image.width, image.height) * at.scale) / pixelRatio;
  const share = clamp(side / FULL_WIDTH_SIDE, 0.5, 1);
  return Math.max(1, Math.round(style.lineWidth * pixelRatio * share));
}

function isHighlit(box: Box, { highlight }: BoxScene): boolean {
  return highlight?.layer === box.layer && highlight.index === box.index;
}

function paintBox(context: CanvasRenderingContext2D, box: Box, rect: Rect, scene: BoxScene): void {
  const width = lineWidthOf(scene) + (isHighlit(box, scene) ? Math.ceil(scene.pixelRatio) : 0);
  const sides = {
    left: rect.left + width / 2,
    top: rect.top + width / 2,
    width: Math.max(1, rect.right - rect.left - width),
    height: Math.max(1, rect.bottom - rect.top - width),
  };
  if (scene.style.isFilled || isHighlit(box, scene)) {
    context.globalAlpha = FILL_ALPHA;
    context.fillStyle = box.color;
    context.fillRect(rect.left, rect.top, rect.right - rect.left, rect.bottom - rect.top);
    context.globalAlpha = 1;
  }
  context.setLineDash([]);
  context.lineJoin = "miter";
  if (width > 1) {
    context.strokeStyle = RIM;
    context.lineWidth = width + 2;
    context.strokeRect(sides.left, sides.top, sides.width, sides.height);
  }
  context.strokeStyle = box.color;
  context.lineWidth = width;
  if (box.isDashed) context.setLineDash([3 * width + 2, 2 * width + 2]);
  context.strokeRect(sides.left, sides.top, sides.width, sides.height);
  context.setLineDash([]);
}

function paintLabels(
  context: CanvasRenderingContext2D,
  drawn: readonly { box: Box; rect: Rect }[],
  scene: BoxScene,
): void {
  const { image, at, panel, pixelRatio } = scene;
  if ((Math.min(image.width, image.height) * at.scale) / pixelRatio < MIN_SIDE_WITH_LABELS) return;
  const area = visibleArea(image, at, panel);
  const font = `500 ${FONT_PX * pixelRatio}px system-ui, sans-serif`;
  context.font = font;
  context.textBaseline = "middle";
  const labels = drawn.flatMap(({ box, rect }) => {
    const text = shortened(boxText(box));
    return text ? [{ box, rect, text }] : [];
  });
  const wishes = labels.map(({ box, rect, text }) => ({
    box: rect,
    isFirst: isHighlit(box, scene),
    size: {
      width: Math.ceil(widthOf(context, text, font)) + 2 * LABEL_PAD_PX * pixelRatio,
      height: LABEL_HEIGHT_PX * pixelRatio,
    },
  }));
  for (const { index, left, top } of placeLabels(wishes, area, lineWidthOf(scene))) {
    const { box, text } = labels[index]!;
    const { width, height } = wishes[index]!.size;
    context.fillStyle = box.color;
    context.beginPath();
    context.roundRect(Math.round(left), Math.round(top), width, height, 2 * pixelRatio);
    context.fill();
    context.fillStyle = inkOn(box.color);
    context.fillText(text, Math.round(left) + LABEL_PAD_PX * pixelRatio, Math.round(top) + height / 2 + 0.5);
  }
}

/** The part of the panel that the picture covers. */
function visibleArea(image: Size, at: Placement, panel: Size): Rect {
  return {
    left: Math.max(0, at.left),
    top: Math.max(0, at.top),
    right: Math.min(panel.width, at.left + image.width * at.scale),
    bottom: Math.min(panel.height, at.top + image.height * at.scale),
  };
}

function shortened(text: string): string {
  const safe = safeText(text);
  const characters = [...safe.slice(0, 4 * MAX_LABEL_CHARACTERS)];
  if (characters.length <= MAX_LABEL_CHARACTERS) return safe;
  return `${characters.slice(0, MAX_LABEL_CHARACTERS - 1).join("")}…`;
}

function widthOf(context: CanvasRenderingContext2D, text: string, font: string): number {
  const key = `${font} ${text}`;
  let width = textWidths.get(key);
  if (width === undefined) {
    if (textWidths.size > 5000) textWidths.clear();
    width = context.measureText(text).width;
    textWidths.set(key, width);
  }
  return width;
}
