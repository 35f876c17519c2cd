// Runs in every page before its own scripts: says when what is asked for stands on the screen.
window.bench = (() => {
  const now = () => performance.timeOrigin + performance.now();
  let pressed = 0;
  addEventListener("keydown", (event) => (pressed = performance.timeOrigin + event.timeStamp), true);

  /** After the frame: what was drawn in it has gone to the compositor. */
  function afterFrame(tell) {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => tell(now());
    port2.postMessage(null);
  }

  const PATIENCE_MS = 60_000;

  /** Resolve with the time, in milliseconds since 1970, of the first frame that passes the test. */
  function when(test) {
    const end = now() + PATIENCE_MS;
    return new Promise((tell, fail) => {
      const look = () => {
        if (test()) afterFrame(tell);
        else if (now() < end) requestAnimationFrame(look);
        else fail(new Error(`not within a minute: ${test}`));
      };
      requestAnimationFrame(look);
    });
  }

  const isInSight = (element) => {
    const { top, bottom, width } = element.getBoundingClientRect();
    return width > 0 && bottom > 0 && top < innerHeight;
  };
  const isPainted = (cell) => cell.querySelector("canvas")?.dataset.painted === cell.dataset.digest;
  const cells = () => [...document.querySelectorAll("main [data-digest]")];

  /** Whether every cell in sight shows its picture, and there are as many. */
  function isFull(count) {
    const shown = cells().filter(isInSight);
    const unknown = [...document.querySelectorAll("main .stale, main .ghost:not(.none)")];
    return shown.length >= count && shown.every(isPainted) && !unknown.some(isInSight);
  }

  /** Whether as many cells in sight as that show a picture of this step, and none another. */
  function isAt(step, count) {
    const shown = cells().filter(isInSight);
    return shown.length >= count
      && shown.every((cell) => Number(cell.dataset.place.split("/")[2]) === step && isPainted(cell));
  }

  /** Whether there are canvases, and all are painted. */
  function isAnyPainted() {
    const all = [...document.querySelectorAll("main canvas")].filter(
      (canvas) => "painted" in canvas.dataset,
    );
    return all.length > 0 && all.every((canvas) => canvas.dataset.painted !== "");
  }

  /** Whether the page has as many decoded <img> of this width, wherever they stand. */
  function areImagesDecoded(width, count) {
    const decoded = [...document.images].filter(
      (image) => image.complete && image.naturalWidth === width,
    );
    return decoded.length >= count;
  }

  let frames = null;
  /** Note the time of every frame from now on. */
  function traceFrames() {
    frames = [];
    const note = (time) => frames && (frames.push(time), requestAnimationFrame(note));
    requestAnimationFrame(note);
  }
  /** Return those times, in milliseconds. */
  function endTrace() {
    const noted = frames;
    frames = null;
    return noted;
  }

  return {
    now, when, isFull, isAt, isAnyPainted, areImagesDecoded, traceFrames, endTrace,
    get pressed() { return pressed; },
  };
})();
