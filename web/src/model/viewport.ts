/**
 * Where a picture stands in its panel.
 *
 * A `View` says what part of a picture is looked at without naming a size in pixels, so that one
 * view fits panels and pictures of any size: zoom that is locked, or kept while stepping, is the
 * same `View`. A `Placement` is that view in one panel: `screen = image * scale + offset`.
 */

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface View {
  /** How many times larger than fitted; 1 shows all of the picture. */
  zoom: number;
  /** What stands in the middle of the panel, in fractions of the picture. */
  center: Point;
}

export interface Placement {
  /** Panel pixels per picture pixel. */
  scale: number;
  left: number;
  top: number;
}

export interface Rect {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export const FIT: View = { zoom: 1, center: { x: 0.5, y: 0.5 } };

/** Panel pixels that one picture pixel may cover at most. */
export const MAX_SCALE = 128;

/** The scale at which all of the picture is seen. */
export function fitScale(image: Size, panel: Size): number {
  if (!image.width || !image.height) return 1;
  return Math.min(panel.width / image.width, panel.height / image.height) || 1;
}

/** `screen_from_image` of a view, as scale and offset. */
export function place(view: View, image: Size, panel: Size): Placement {
  const scale = fitScale(image, panel) * view.zoom;
  return {
    scale,
    left: panel.width / 2 - view.center.x * image.width * scale,
    top: panel.height / 2 - view.center.y * image.height * scale,
  };
}

export function screenFromImage(point: Point, at: Placement): Point {
  return { x: point.x * at.scale + at.left, y: point.y * at.scale + at.top };
}

export function imageFromScreen(point: Point, at: Placement): Point {
  return { x: (point.x - at.left) / at.scale, y: (point.y - at.top) / at.scale };
}

/** The pixel under a point of the panel, or undefined beside the picture. */
export function pixelAt(point: Point, at: Placement, image: Size): Point | undefined {
  const { x, y } = imageFromScreen(point, at);
  const pixel = { x: Math.floor(x), y: Math.floor(y) };
  const isInside = pixel.x >= 0 && pixel.y >= 0 && pixel.x < image.width && pixel.y < image.height;
  return isInside ? pixel : undefined;
}

/** The part of the picture that the panel shows, in picture pixels, cut at the picture's edges. */
export function visibleRect(at: Placement, image: Size, panel: Size): Rect {
  const first = imageFromScreen({ x: 0, y: 0 }, at);
  const last = imageFromScreen({ x: panel.width, y: panel.height }, at);
  return {
    left: clamp(first.x, 0, image.width),
    top: clamp(first.y, 0, image.height),
    right: clamp(last.x, 0, image.width),
    bottom: clamp(last.y, 0, image.height),
  };
}

/** Zoom so that what is under `point` stays there. */
export function zoomAbout(view: View, factor: number, point: Point, image: Size, panel: Size): View {
  const before = place(view, image, panel);
  const fixed = imageFromScreen(point, before);
  const zoom = clampZoom(view.zoom * factor, image, panel);
  const scale = fitScale(image, panel) * zoom;
  return clampView(
    {
      zoom,
      center: {
        x: (fixed.x + (panel.width / 2 - point.x) / scale) / image.width,
        y: (fixed.y + (panel.height / 2 - point.y) / scale) / image.height,
      },
    },
    image,
    panel,
  );
}

/** Move the picture by so many panel pixels. */
export function panBy(view: View, by: Point, image: Size, panel: Size): View {
  const { scale } = place(view, image, panel);
  const center = {
    x: view.center.x - by.x / (scale * image.width),
    y: view.center.y - by.y / (scale * image.height),
  };
  return clampView({ zoom: view.zoom, center }, image, panel);
}

/** The view at which a picture pixel covers one device pixel, about the middle of this view. */
export function actualSize(view: View, image: Size, panel: Size, pixelRatio = 1): View {
  const zoom = clampZoom(1 / pixelRatio / fitScale(image, panel), image, panel);
  return clampView({ zoom, center: view.center }, image, panel);
}

/** The view that shows a rectangle of the picture with a margin around it. */
export function viewOf(rect: Rect, image: Size, panel: Size): View {
  const width = Math.max(1, rect.right - rect.left);
  const height = Math.max(1, rect.bottom - rect.top);
  const scale = fitScale({ width: width * 1.6, height: height * 1.6 }, panel);
  const zoom = clampZoom(Math.max(1, scale / fitScale(image, panel)), image, panel);
  const center = {
    x: (rect.left + rect.right) / 2 / image.width,
    y: (rect.top + rect.bottom) / 2 / image.height,
  };
  return clampView({ zoom, center }, image, panel);
}

/** Keep the picture in the panel: centred where it is smaller, without a gap where it is larger. */
export function clampView(view: View, image: Size, panel: Size): View {
  const scale = fitScale(image, panel) * view.zoom;
  const half = {
    x: panel.width / (2 * scale * image.width),
    y: panel.height / (2 * scale * image.height),
  };
  const inside = (center: number, reach: number): number =>
    reach >= 0.5 ? 0.5 : clamp(center, reach, 1 - reach);
  const center = { x: inside(view.center.x, half.x), y: inside(view.center.y, half.y) };
  return { zoom: view.zoom, center };
}

/** From fitted, or actual size where that is smaller, to `MAX_SCALE` panel pixels a pixel. */
export function clampZoom(zoom: number, image: Size, panel: Size): number {
  const fit = fitScale(image, panel);
  return clamp(zoom, Math.min(1, 1 / fit), Math.max(1, MAX_SCALE / fit));
}

export function isFit(view: View): boolean {
  return Math.abs(view.zoom - 1) < 1e-6;
}

/** The view as it stands in the address: `2.5,0.25,0.75`; empty when fitted. */
export function textFromView(view: View): string {
  if (isFit(view)) return "";
  return [view.zoom, view.center.x, view.center.y].map((n) => String(Number(n.toPrecision(6)))).join(",");
}

/** The view that `textFromView` wrote; fitted for anything else. */
export function viewFromText(text: string | null | undefined): View {
  const [zoom, x, y] = (text ?? "").split(",").map(Number);
  const isWhole = [zoom, x, y].every((n) => Number.isFinite(n)) && zoom! > 0;
  return isWhole ? { zoom: zoom!, center: { x: clamp(x!, 0, 1), y: clamp(y!, 0, 1) } } : FIT;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
