/** Arrow keys among cells: by where they stand on the screen. */

/** Move the focus to the next `[data-cell]` in a direction; without one, to the first in sight. */
export function moveFocus(container: HTMLElement, key: string): void {
  const cells = [...container.querySelectorAll<HTMLElement>("[data-cell]")];
  const current = cells.find((cell) => cell === document.activeElement);
  const next = current ? neighbour(cells, current, key) : firstInSight(container, cells);
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function neighbour(cells: readonly HTMLElement[], current: HTMLElement, key: string): HTMLElement | undefined {
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const sorted = inReadingOrder(cells);
    return sorted[sorted.indexOf(current) + (key === "ArrowRight" ? 1 : -1)];
  }
  const here = current.getBoundingClientRect();
  const sign = key === "ArrowDown" ? 1 : -1;
  const lines = cells
    .map((cell) => ({ cell, box: cell.getBoundingClientRect() }))
    .filter(({ box }) => (box.top - here.top) * sign > 1);
  const nearest = Math.min(...lines.map(({ box }) => (box.top - here.top) * sign));
  return lines
    .filter(({ box }) => (box.top - here.top) * sign < nearest + 1)
    .sort((a, b) => Math.abs(a.box.left - here.left) - Math.abs(b.box.left - here.left))[0]?.cell;
}

function inReadingOrder(cells: readonly HTMLElement[]): HTMLElement[] {
  return cells
    .map((cell) => ({ cell, box: cell.getBoundingClientRect() }))
    .sort((a, b) => (Math.abs(a.box.top - b.box.top) > 1 ? a.box.top - b.box.top : a.box.left - b.box.left))
    .map(({ cell }) => cell);
}

function firstInSight(container: HTMLElement, cells: readonly HTMLElement[]): HTMLElement | undefined {
  const { top } = container.getBoundingClientRect();
  return inReadingOrder(cells).find((cell) => cell.getBoundingClientRect().bottom > top + 20);
}
