"""Make the golden store of the present format: run once when it changes, then never again.

``python tests/golden/make_golden.py`` writes `FOLDER`, which is named after the version of the
records, and after what shards can hold since if these are the same: a run as `filmstrip`
stores it, and ``expected.json``, which says what must be read from it for ever. Pixels and mask ids
in there are those that went in; records are taken from the shards by Python's own `tarfile` and
`json`. The run has three sessions; the last was killed, and its shard is torn.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from filmstrip import BoundingBoxes2D, Image
from filmstrip.draft import ImageDraft, flatten, image_record
from filmstrip.folder import write_run_info
from filmstrip.media.frame import DIGEST_SEED
from filmstrip.recent import Recent
from filmstrip.record import SCHEMA_VERSION, RunInfo, ValuesRecord
from filmstrip.sample import encode_samples, sample_from_item
from filmstrip.shard.append import EncodedImage, ShardAppender
from filmstrip.spool.items import decode_items, encode_items

FOLDER = Path(__file__).parent / f"v{SCHEMA_VERSION}-revisits"
TIME = 1_700_000_000.25


def gradient(*shape: int, dtype: str = "uint8", factor: int = 7) -> np.ndarray:
    return (np.arange(np.prod(shape)) * factor).astype(dtype).reshape(shape)


def jpeg_bytes() -> bytes:
    stream = io.BytesIO()
    PIL.Image.fromarray(gradient(4, 6, 3)).save(stream, "jpeg", quality=90)
    return stream.getvalue()


BOXES = BoundingBoxes2D.from_arrays(
    [[1, 0.5, 3, 2.25], [float("nan"), 0, float("inf"), 1], [-4, -4, 90, 90]],
    class_id=[1, 2, 7],
    scores={"p": [0.5, float("nan"), float("-inf")]},
    captions=["first", None, "третий"],
    class_labels={1: "cat", 2: "dog"},
)
WIDE_IDS = np.array([[0, 1, 255], [256, 65536, 2**32 - 1]], np.uint32)
SAME = gradient(4, 6, factor=3)

OVERLAYS = Image(
    gradient(4, 6, 3),
    classes=[{"id": 7, "name": "bird", "color": "#aa3300"}],
    boxes={"predictions": BOXES, "none": {"box_data": []}},
    masks={
        "truth": {"mask_data": gradient(4, 6, factor=1), "class_labels": {0: "ground"}},
        "Truth": {"mask_data": gradient(4, 6, dtype="uint16", factor=900)},
        "wide/../ids": {"mask_data": np.kron(WIDE_IDS, np.ones((2, 2), np.uint32))},
    },
)
TINY = Image(gradient(2, 3, factor=40), normalize=False)

SESSIONS: list[list[tuple[int, dict[str, Any]]]] = [
    [
        (0, {"loss": 0.5, "note": "NaN", "best": float("nan"), "done": False, "big": 2**64 - 1}),
        (0, {"examples": [Image(SAME, normalize=False, caption="gray"), Image(gradient(4, 6, 3))]}),
        (1, {"examples": Image(gradient(4, 6, 4), grouping="a", meta={"n": [1, {"x": None}]})}),
        (1, {"examples": Image(gradient(4, 6, dtype="uint16"), mode="I;16", grouping=3)}),
        (2, {"overlays": OVERLAYS}),
        (3, {key: Image(SAME, normalize=False) for key in ("../../etc/passwd", "ключ")}),
        (3, {"__x__": Image(np.eye(4, 6, dtype=bool)), "CON\n\0": Image(jpeg_bytes())}),
        (-(2**40), {"examples": Image(SAME, normalize=False, meta={"lr": float("inf")})}),
        (7, {"examples": [OVERLAYS, Image(SAME, normalize=False), OVERLAYS]}),
    ],
    [(1, {"examples": TINY, "loss": 0.25}), (4, {"after": TINY})],
    [(5, {"after": TINY}), (6, {"after": Image(gradient(4, 6, factor=5))})],
]


def write_session(run_dir: Path, session: int) -> list[dict[str, Any]]:
    """Store one session and return what went in: pixels and mask ids of each image."""
    appender = ShardAppender(run_dir, f"r0-s{session}-golden", shard_bytes=12 * 1024)
    inputs: list[dict[str, Any]] = []
    counts: dict[tuple[str, int], int] = {}
    for step, data in SESSIONS[session]:
        flat = flatten(data)
        if flat.values:
            values = flat.values
            appender.append(
                [
                    ValuesRecord(
                        run_id="golden", step=step, time=TIME, session=session, values=values
                    )
                ]
            )
        batch: list[EncodedImage] = []
        for key, images in flat.images.items():
            for image in images:
                index = counts.get((key, step), 0)
                counts[key, step] = index + 1
                record = image_record(
                    image,
                    run_id="golden",
                    key=key,
                    step=step,
                    index=index,
                    time=TIME,
                    session=session,
                )
                batch.append(encoded(ImageDraft(record, image)))
                inputs.append(described(image))
        if batch:
            appender.append(batch)
    appender.close()
    return inputs


def encoded(draft: ImageDraft) -> EncodedImage:
    items = encode_items([draft], 0)
    (item,) = decode_items(items.meta)
    parts = [part for part in items.buffers if len(part) and not is_padding(part)]
    sample = sample_from_item(item, [np.frombuffer(part, np.uint8) for part in parts], DIGEST_SEED)
    return encode_samples([sample], Recent(0))[0]


def is_padding(part: Any) -> bool:
    return isinstance(part, bytes) and len(part) < 16 and not part.strip(b"\0")


def described(image: Image) -> dict[str, Any]:
    """Return pixels and mask ids as lists; no pixels where decoders may differ."""
    is_exact = image.format == "png"
    return {
        "pixels": np.asarray(image.image).tolist() if is_exact else None,
        "masks": {name: mask.array.tolist() for name, mask in image.masks.items()},
    }


def records(run_dir: Path) -> list[dict[str, Any]]:
    """Return every record of the run as plain JSON, in the order of the shards."""
    found = []
    for shard in sorted(run_dir.glob("*.tar")):
        with tarfile.open(shard) as archive:
            for info in archive:
                stream = archive.extractfile(info)
                content = stream.read() if stream else b""
                if info.name.endswith(".json") or info.name.startswith("__values"):
                    found.append(json.loads(content))
                elif info.name.startswith("__revisits"):
                    found += map(json.loads, gzip.decompress(content).splitlines())
    return found


def tear(run_dir: Path) -> None:
    """Cut the last shard as a killed writer leaves it: inside its last record."""
    shard = max(run_dir.glob("*.tar"))
    data = shard.read_bytes().rstrip(b"\0")
    shard.write_bytes(data[:-100])


def main() -> None:
    if FOLDER.exists():
        sys.exit(f"{FOLDER} is there already; a released version's shards are never made again")
    run_dir = FOLDER / "runs" / "golden"
    run_dir.mkdir(parents=True)
    write_run_info(
        run_dir,
        RunInfo(
            id="golden", name="золотой", project="p", created=TIME, config={"lr": 0.1, "n": [1, 2]},
            tags=["a", "b"], notes="for ever", group="g",
            sessions=len(SESSIONS),
        ),
    )  # fmt: skip
    inputs = [one for session in range(len(SESSIONS)) for one in write_session(run_dir, session)]
    images = iter(inputs)
    entries = [
        {"record": record, **(next(images) if record["kind"] == "image" else {})}
        for record in records(run_dir)
    ][:-1]
    tear(run_dir)
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    (FOLDER / "expected.json").write_text(text.replace('{"record"', '\n{"record"') + "\n", "utf-8")


if __name__ == "__main__":
    main()
