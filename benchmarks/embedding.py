"""The embedding model computed in several ways: milliseconds, how near the vectors stay, and what is found with them.

`python -m benchmarks.embedding` measures and writes the page; `--page` writes it from the figures measured last.
"""

from __future__ import annotations

import argparse
import gc
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from llama_index.core.schema import TextNode

from agent.chunking import chunk_file
from agent.providers import weights
from agent.providers.embedding_cache import Vectors
from agent.providers.embeddings import model_identity
from agent.schema import Chunk
from agent.settings import Settings, load_settings
from agent.sources import open_source
from agent.symbols import ApiModel
from benchmarks.embedding_page import PAGE, Measured, Result, processor_name, render
from benchmarks.table import Row
from benchmarks.turns import seconds_in_turn
from evals.cases import Case, load_cases
from evals.chunkers import Chunks
from evals.peers import search_by_cosine
from evals.places import Place
from evals.retrieval import score
from evals.statistics import figure
from evals.systems import RememberedQueries

if TYPE_CHECKING:
    import torch

    from agent.providers.local_embedding import LocalEmbedding

ROUNDS = 5
SAMPLE = 256
"""Texts that are timed, evenly spread over all."""
QUESTIONS = 16
"""Questions that are timed, one by one, as they come from users."""
EXACT = "torch float32"

Way = Callable[[Settings], "LocalEmbedding"]


class NotHere(Exception):
    """What a way to compute needs is not installed."""


# --- the ways ---------------------------------------------------------------------------------------


def _torch(precision: str, settings: Settings) -> LocalEmbedding:
    from agent.providers.local_embedding import load

    changed = settings.model_copy(update={"embedding_precision": precision})
    return load(weights.resolve(settings.embedding_model, settings), model_identity(settings), changed)


def _torch_int8(settings: Settings) -> LocalEmbedding:
    import torch

    def quantized(encoder: torch.nn.Module) -> torch.nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it will move to another package
            try:
                quantize: Any = torch.ao.quantization.quantize_dynamic  # pyright: ignore[reportDeprecated] - said above
                return quantize(encoder, {torch.nn.Linear}, dtype=torch.qint8)
            except AttributeError as error:
                raise NotHere("this torch quantizes no more") from error

    return _with_encoder(settings, quantized)


def _onnx(int8: bool, settings: Settings) -> LocalEmbedding:  # noqa: FBT001 - bound by `partial`
    try:
        import onnx  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport] - torch's exporter needs it
        import onnxruntime  # pyright: ignore[reportMissingImports]
        from onnxruntime.quantization import QuantType, quantize_dynamic  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise NotHere("`pip install 'fury-agent[bench]'` brings onnxruntime") from error

    def exported(encoder: torch.nn.Module) -> torch.nn.Module:
        with TemporaryDirectory() as scratch:
            file = Path(scratch) / "model.onnx"
            _export(encoder, file)
            if int8:
                quantize_dynamic(
                    file, whole := file.with_name("int8.onnx"), per_channel=True, weight_type=QuantType.QInt8
                )
                file = whole
            session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        return _session_encoder(session, encoder)

    return _with_encoder(settings, exported)


def _with_encoder(settings: Settings, make: Callable[[torch.nn.Module], torch.nn.Module]) -> LocalEmbedding:
    """Return the model with another encoder; words become tokens, and states become vectors, as ever."""
    from agent.providers.local_embedding import LocalEmbedding

    class Replaced(LocalEmbedding):
        def replace(self) -> None:
            transformer: Any = self._model[0]
            transformer.model = make(transformer.model)

    directory = weights.resolve(settings.embedding_model, settings)
    replaced = Replaced(directory, model_identity(settings), settings, half=False)  # pyright: ignore[reportCallIssue] - of the base
    replaced.replace()
    return replaced


_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def _export(encoder: torch.nn.Module, file: Path) -> None:
    import torch

    class States(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            return self.encoder(**dict(zip(_INPUTS, inputs, strict=True))).last_hidden_state

    example = tuple(torch.ones(2, 8, dtype=torch.long) for _ in _INPUTS)
    axes = {name: {0: "texts", 1: "tokens"} for name in (*_INPUTS, "states")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is old, and needs no further package
        torch.onnx.export(
            States().eval(),
            example,
            file,
            input_names=list(_INPUTS),
            output_names=["states"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )


def _session_encoder(session: Any, encoder: torch.nn.Module) -> torch.nn.Module:
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    class SessionEncoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.config = encoder.config
            self.device = torch.device("cpu")

        def forward(
            self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor, **_: object
        ) -> BaseModelOutput:
            given = zip(_INPUTS, (input_ids, attention_mask, token_type_ids), strict=True)
            (states,) = session.run(None, {name: tensor.numpy() for name, tensor in given})
            return BaseModelOutput(last_hidden_state=torch.from_numpy(states))

    return SessionEncoder()


WAYS: Mapping[str, Way] = {
    EXACT: partial(_torch, "float32"),
    "torch bfloat16": partial(_torch, "bfloat16"),
    "torch int8, dynamic": _torch_int8,
    "ONNX float32": partial(_onnx, False),  # noqa: FBT003 - `partial` takes it by position
    "ONNX int8, dynamic": partial(_onnx, True),  # noqa: FBT003 - same
}

# --- the run ----------------------------------------------------------------------------------------


def measure(settings: Settings) -> Measured:
    """Measure every way over the default library."""
    tree = open_source(settings.library, settings)
    public_paths = ApiModel.build(tree).public_paths()
    chunks = [chunk for file in tree.files for chunk in chunk_file(file, tree.read(file), public_paths)]
    cases = [case for case in load_cases() if case.answerable]
    models: dict[str, LocalEmbedding] = {}
    skipped: dict[str, str] = {}
    for name, way in WAYS.items():
        try:
            models[name] = way(settings)
        except NotHere as error:
            skipped[name] = str(error)
    texts = [chunk.embed_text for chunk in chunks]
    times = _times(models, texts[:: max(1, len(texts) // SAMPLE)][:SAMPLE], [case.question for case in cases])
    results: list[Result] = []
    exact: Vectors | None = None
    for name, model in models.items():
        vectors = np.array(model.get_text_embedding_batch(texts), np.float32)
        exact = vectors if exact is None else exact
        cosines = (vectors * exact).sum(axis=1)
        results.append(
            Result(
                way=name,
                text_ms=times[name][0],
                question_ms=times[name][1],
                cosine=float(cosines.mean()),
                least_cosine=float(cosines.min()),
                found=_found(model, chunks, vectors, cases),
            )
        )
        gc.collect()
    return Measured(
        library=f"{tree.library} {tree.version}",
        texts=len(texts),
        questions=len(cases),
        processor=processor_name(),
        packages={name: version(name) for name in ("torch", "onnxruntime") if _installed(name)},
        results=tuple(results),
        skipped=skipped,
    )


def _times(
    models: Mapping[str, LocalEmbedding], texts: list[str], questions: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Return milliseconds for a text among many, and for a question alone."""
    many = seconds_in_turn(
        {name: partial(model.get_text_embedding_batch, texts) for name, model in models.items()}, ROUNDS
    )
    rounds = cycle(questions)  # each time another one: LlamaIndex remembers none, but caches below it might
    asked = {name: [next(rounds) for _ in range(QUESTIONS)] for name in models}
    alone = seconds_in_turn({name: partial(_ask, model, asked[name]) for name, model in models.items()}, ROUNDS)
    return {name: (median(many[name]) * 1e3 / len(texts), median(alone[name]) * 1e3 / QUESTIONS) for name in models}


def _ask(model: LocalEmbedding, questions: Sequence[str]) -> None:
    for question in questions:
        model.get_query_embedding(question)


def _found(model: LocalEmbedding, chunks: Sequence[Chunk], vectors: Vectors, cases: Sequence[Case]) -> dict[str, Any]:
    nodes = tuple(TextNode(id_=chunk.id, text=chunk.embed_text) for chunk in chunks)
    places = {
        chunk.id: Place(chunk.path, (chunk.symbol,) if chunk.symbol else (), chunk.start_line, chunk.end_line)
        for chunk in chunks
    }
    query = RememberedQueries(model)
    query.remember([case.question for case in cases])
    search = search_by_cosine(Chunks(nodes, places), lambda _: vectors, query)
    scores = score(cases, {case.id: search(case.question) for case in cases})
    return {name: found for name, of in scores.items() if (found := figure(of.values())) is not None}


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


def run() -> list[Row]:
    """Measure, and say of each way what it costs and reaches; a way that ships may lose nothing."""
    return list(_rows(measure(load_settings())))


def _rows(measured: Measured) -> Iterator[Row]:
    for result in measured.results:
        yield Row(f"{result.way}: text among many", result.text_ms, "ms")
        yield Row(f"{result.way}: question alone", result.question_ms, "ms")
        ships = result.way in {EXACT, "torch bfloat16"}
        near = result.least_cosine >= 0.999
        yield Row(
            f"{result.way}: least cosine", result.least_cosine, "", ">= 0.999" if ships else "", near if ships else None
        )
        yield Row(f"{result.way}: hit@5", result.found["hit@5"].mean, "of questions")


def main() -> None:
    """Write figures and page, or the page alone."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedding", description=__doc__)
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page from its figures")
    figures = PAGE.with_suffix(".json")
    if not parser.parse_args().page:
        figures.write_bytes(msgspec.json.format(msgspec.json.encode(measure(load_settings()))) + b"\n")
    PAGE.write_text(render(msgspec.json.decode(figures.read_bytes(), type=Measured)), encoding="utf-8")


if __name__ == "__main__":
    main()
