"""MLflow on its default SQLite store: time-stepped images (PNG), or artifact files for JPEG."""

from collections.abc import Sequence
from pathlib import Path

import mlflow

from benchmarks.adapters import Array, count_files
from benchmarks.workloads import FileType


class Adapter:
    """Logs with ``mlflow.log_image(image, key=..., step=step)``, one key an image."""

    def open(self, folder: Path, file_type: str) -> None:
        self._folder = folder
        self._is_jpeg = file_type == FileType.JPEG
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        experiment = mlflow.create_experiment("bench", artifact_location=f"file://{folder}/mlruns")
        mlflow.start_run(experiment_id=experiment)

    def log_step(self, step: int, images: Sequence[Array]) -> None:
        for index, image in enumerate(images):
            if self._is_jpeg:
                mlflow.log_image(image, artifact_file=f"photos/{step}-{index}.jpg")
            else:
                mlflow.log_image(image, key=f"photos_{index}", step=step)

    def close(self) -> None:
        mlflow.flush_artifact_async_logging()
        mlflow.end_run()

    def count_stored(self) -> int:
        return count_files(self._folder, ".png", ".jpg")
