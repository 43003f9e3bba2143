"""Models of the hub: through its real client, from a hub on this machine; what is here is not asked for again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from agent.errors import WeightsMissing
from agent.providers import hub, weights
from agent.providers.embeddings import build_embedding, model_identity
from agent.settings import Settings, load_settings
from tests.servers import hub as hub_server
from tests.servers.hub import COMMIT, Hub
from tests.tiny_models import gte

NAME = "someone/tiny-gte"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    model = gte(tmp_path_factory.mktemp("models") / "tiny-gte")
    held = {path.relative_to(model).as_posix(): path.read_bytes() for path in model.rglob("*") if path.is_file()}
    return {**held, "own.py": b"raise SystemExit", "pytorch_model.bin": b"pickled", "onnx/model.onnx": b"large"}


@pytest.fixture
def served(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_server.serving({NAME: files, "someone/gated": 403}) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server


def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


def embedding_settings(tmp_path: Path, name: str = NAME) -> Settings:
    return load_settings(data_dir=tmp_path, embedding_model=name)


@pytest.mark.parametrize(
    ("name", "is_id"),
    [
        ("microsoft/Phi-3-mini-4k-instruct", True),
        ("a/b@v1.0", True),
        ("all-MiniLM-L6-v2", False),
        ("./a/b", False),
        ("/a/b", False),
        ("a/b/c", False),
        ("models/x.gguf", False),
    ],
)
def test_ids_have_an_owner_and_a_name(name: str, is_id: bool) -> None:  # noqa: FBT001 - what is expected
    assert hub.is_model_id(name) == is_id


def test_a_model_is_downloaded_once_without_code_or_pickles(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = embedding_settings(tmp_path)
    assert len(build_embedding(settings).get_text_embedding("sphere")) == 32
    assert model_identity(settings) == (NAME, COMMIT)
    assert {"config.json", "model.safetensors", "1_Pooling/config.json"} <= set(served.given)
    assert not [path for path in served.given if path.endswith((".py", ".bin", ".onnx"))]
    unreachable(monkeypatch)
    assert model_identity(settings) == (NAME, COMMIT)
    assert weights.locate(NAME, settings) == str(weights.resolve(NAME, settings))


def test_a_revision_is_part_of_the_question_and_not_of_the_name(served: Hub, tmp_path: Path) -> None:
    assert model_identity(embedding_settings(tmp_path, f"{NAME}@v1")) == (NAME, COMMIT)
    assert served.given


@pytest.mark.usefixtures("served")
def test_a_download_that_broke_off_is_continued(tmp_path: Path) -> None:
    settings = embedding_settings(tmp_path)
    (weights.resolve(NAME, settings) / "model.safetensors").unlink()
    assert hub.kept(NAME) is None
    assert (weights.resolve(NAME, settings) / "model.safetensors").is_file()


def test_a_model_in_several_files_is_whole_only_with_all_of_them(tmp_path: Path) -> None:
    index = '{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}'
    for name, text in {"config.json": "{}", "model.safetensors.index.json": index, "model-1.safetensors": ""}.items():
        (tmp_path / name).write_text(text)
    assert not hub._is_whole(tmp_path)
    (tmp_path / "model-2.safetensors").touch()
    assert hub._is_whole(tmp_path)


@pytest.mark.usefixtures("served")
def test_an_unreachable_hub_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable(monkeypatch)
    with pytest.raises(WeightsMissing, match=rf"'{NAME}' is not here.*`hf download {NAME}`.*--local-dir"):
        build_embedding(embedding_settings(tmp_path))
    with pytest.raises(WeightsMissing, match=rf"not here\..*`hf download {NAME} --revision v1`"):
        weights.locate(f"{NAME}@v1", embedding_settings(tmp_path))


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("someone/absent", "nor a model on the hub"),
        ("someone/ab--sent", "nor a model on the hub"),
        ("someone/gated", "hf auth login"),
    ],
)
def test_what_the_hub_refuses_is_said_in_words(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=f"{re.escape(name)}.*{words}"):
        build_embedding(embedding_settings(tmp_path, name))
