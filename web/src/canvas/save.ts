/** Files for the user to keep. */

import type { Item } from "../api/types";
import { PictureCanvas, type PictureProps } from "./PictureCanvas";
import type { Pictures } from "./pictures";

/** A picture smaller than this is enlarged by a whole number, so that overlays have room. */
const MIN_SIDE_PX = 512;
const MAX_SIDE_PX = 8192;

/** Hand a file to the browser's downloads. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A name that every file system takes. */
export function fileName(item: Item, ending: string): string {
  const stem = `${item.run_id}-${item.key}-${item.step}-${item.index}`;
  return `${stem.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 120)}.${ending}`;
}

/** All of a picture with its overlays, at its own size, as PNG. */
export function bakedPicture(
  pictures: Pictures,
  props: Omit<PictureProps, "width" | "height" | "isOriginal">,
): Promise<Blob> {
  const { width, height } = props.item.record;
  const longest = Math.max(width, height);
  const factor =
    longest > MAX_SIDE_PX ? MAX_SIDE_PX / longest : Math.max(1, Math.ceil(MIN_SIDE_PX / longest));
  const ratio = globalThis.devicePixelRatio || 1;
  return new Promise((done, failed) => {
    const element = document.createElement("canvas");
    const canvas = new PictureCanvas(element, pictures, {
      painted: () => {
        canvas.destroy();
        blobOf(element).then(done, failed);
      },
      failed: (message) => failed(new Error(message)),
    });
    const size = { width: (width * factor) / ratio, height: (height * factor) / ratio };
    canvas.update({ ...props, ...size, isOriginal: true });
  });
}

/** What the canvases in an element show, as it is on the screen. */
export function screenPicture(root: HTMLElement, background: string): Promise<Blob> {
  const area = root.getBoundingClientRect();
  const ratio = globalThis.devicePixelRatio || 1;
  const element = document.createElement("canvas");
  element.width = Math.round(area.width * ratio);
  element.height = Math.round(area.height * ratio);
  const context = element.getContext("2d")!;
  context.fillStyle = background;
  context.fillRect(0, 0, element.width, element.height);
  for (const canvas of root.querySelectorAll("canvas")) {
    if (!canvas.checkVisibility({ visibilityProperty: true })) continue;
    const own = canvas.getBoundingClientRect();
    const clip = (canvas.closest("[data-clip]") ?? root).getBoundingClientRect();
    context.save();
    context.beginPath();
    context.rect(
      (clip.left - area.left) * ratio,
      (clip.top - area.top) * ratio,
      clip.width * ratio,
      clip.height * ratio,
    );
    context.clip();
    context.drawImage(
      canvas,
      (own.left - area.left) * ratio,
      (own.top - area.top) * ratio,
      own.width * ratio,
      own.height * ratio,
    );
    context.restore();
  }
  return blobOf(element);
}

function blobOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((done, failed) => {
    canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("The picture is too large to save."))));
  });
}
