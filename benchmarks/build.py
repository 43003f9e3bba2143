"""Building the index of FURY against what embedding the same texts costs alone; then rebuilding it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agent.chunking import chunk_file
from agent.index_build import build
from agent.providers import weights
from agent.providers.embeddings import build_embedding
from agent.settings import Settings
from agent.sources import open_source
from agent.symbols import ApiModel
from benchmarks.table import Row


def run() -> list[Row]:
    """Measure; the model is loaded before the clock starts, as it is for both sides."""
    machine = Settings()
    weights.resolve(machine.embedding_model, machine)
    tree = open_source("fury==2.0.0", machine)
    public_paths = ApiModel.build(tree).public_paths()
    texts = [c.embed_text for file in tree.files for c in chunk_file(file, tree.read(file), public_paths)]
    with tempfile.TemporaryDirectory() as scratch:
        # A folder that can be edited, as a developer's checkout is.
        sources = Path(scratch) / "fury"
        shutil.copytree(tree.root, sources)
        data = Path(scratch) / "data"
        data.mkdir()
        (data / "weights").symlink_to(machine.weights_dir)
        settings = Settings(data_dir=data)
        alone = seconds(lambda: embed_alone(settings, texts))
        whole = seconds(lambda: build(str(sources), settings, embedding=build_embedding(settings)))
        unchanged = seconds(lambda: build(str(sources), settings, embedding=build_embedding(settings)))
        edited = sources / "fury" / "actor" / "curved.py"
        edited.write_text(edited.read_text().replace("Create one or many spheres", "Create many spheres"))
        changed = seconds(lambda: build(str(sources), settings, embedding=build_embedding(settings)))
    return [
        Row("texts", len(texts), "texts"),
        Row("sentence-transformers alone", alone, "s"),
        Row("whole build", whole, "s"),
        Row("whole build / embedding alone", whole / alone, "ratio", "<= 1.15", whole <= 1.15 * alone),
        Row("rebuild, nothing changed", unchanged, "s", "<= 2", unchanged <= 2),
        Row("rebuild, one file changed", changed, "s", "<= 4", changed <= 4),
    ]


def embed_alone(settings: Settings, texts: list[str]) -> None:
    """Embed as a user of sentence-transformers would."""
    from sentence_transformers import SentenceTransformer

    directory = weights.resolve(settings.embedding_model, settings)
    model = SentenceTransformer(str(directory), device="cpu", local_files_only=True)
    model.encode(texts, batch_size=settings.embedding_batch, show_progress_bar=False)


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
