"""Tiny random models in the real formats, made on the spot: a Phi-3 that chats and a GTE that embeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

WORDS = ["How do I draw a sphere? Use actor.sphere(centers) and window.Scene(), then show it."] * 20
PHI_3_MARKERS = ("<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>")
PHI_3_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
WITHOUT_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
PHI_3_WINDOW = 256


def phi_3(directory: Path, *, template: str | None = PHI_3_TEMPLATE) -> Path:
    """Write a Phi-3 of two layers with the special tokens, chat template and ends of the real one."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GenerationConfig, Phi3Config, Phi3ForCausalLM, PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # pyright: ignore[reportAttributeAccessIssue] - the stub lacks the setter
    inner.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue] - same
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        WORDS, trainers.BpeTrainer(vocab_size=400, special_tokens=list(PHI_3_MARKERS), initial_alphabet=alphabet)
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(PHI_3_MARKERS[1:]),
        chat_template=template,
    )
    end, assistant, *_ = (tokenizer.convert_tokens_to_ids(name) for name in PHI_3_MARKERS)
    torch.manual_seed(0)
    config: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": PHI_3_WINDOW,
        "original_max_position_embeddings": PHI_3_WINDOW,
        "pad_token_id": end,
        "bos_token_id": end,
        "eos_token_id": end,
    }
    model = Phi3ForCausalLM(Phi3Config(**config))
    # Without <|end|>, which the chats tell.
    model.generation_config = GenerationConfig(eos_token_id=[end, assistant], pad_token_id=end)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def gte(directory: Path, *, pooling: Literal["cls", "mean"] | None = "cls") -> Path:
    """Write a GTE of two layers and 32 dimensions; with `pooling` in sentence-transformers' layout, else bare."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from torch.nn import Module
    from transformers import GteConfig, GteModel, PreTrainedTokenizerFast

    inner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)  # pyright: ignore[reportAttributeAccessIssue] - the stub lacks the setter
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()  # pyright: ignore[reportAttributeAccessIssue] - same
    markers = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    inner.train_from_iterator(WORDS, trainers.WordPieceTrainer(vocab_size=300, special_tokens=markers))
    inner.post_processor = processors.TemplateProcessing(  # pyright: ignore[reportAttributeAccessIssue] - same
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=8192,
    )
    torch.manual_seed(0)
    config = GteConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        type_vocab_size=2,
        pad_token_id=0,
        rope_parameters={"rope_type": "linear", "factor": 1.0, "rope_theta": 160000.0},
    )
    bare = directory if pooling is None else directory.with_name(f"{directory.name}-bare")
    GteModel(config).save_pretrained(bare)
    tokenizer.save_pretrained(bare)
    if pooling is not None:
        modules = [Transformer(str(bare)), Pooling(32, pooling_mode=pooling)]
        SentenceTransformer(modules=list[Module](modules), device="cpu").save(str(directory))
    return directory
