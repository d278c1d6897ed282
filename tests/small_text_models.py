"""Tiny text models with random weights, saved as checkpoints: a few layers, a vocabulary of letters and a few words."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.types import Prediction, Request

WORDS = "the bank rose fell is river profit of and who owns it not where".split()
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 37}


def bert_tokenizer(**options: Any) -> Any:
    from transformers import BertTokenizer

    signs = [*string.ascii_lowercase, *string.digits, *".,?!'-:$%"]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *signs, *(f"##{sign}" for sign in signs), *WORDS]
    return BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)}, **options)


def roberta_tokenizer(kind: str = "RobertaTokenizer", **options: Any) -> Any:
    import transformers
    from tokenizers import pre_tokenizers

    pieces = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        "<mask>",
        *sorted(pre_tokenizers.ByteLevel.alphabet()),
        "Ġt",
        "he",
        "Ġthe",
    ]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    return getattr(transformers, kind)(vocab=vocab, merges=[("Ġ", "t"), ("h", "e"), ("Ġt", "he")], **options)


def bert(folder: Path, head: str, *, seed: int = 0, labels: Mapping[int, str] | None = None, **config: Any) -> str:
    """A BERT with this head and 64 places; its source."""
    from transformers import BertConfig

    tokenizer = bert_tokenizer(model_max_length=64)
    settings = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **SIZES, **_labelled(labels), **config)
    return saved(folder, f"Bert{head}", settings, tokenizer, seed)


def roberta(folder: Path, head: str, *, seed: int = 0, labels: Mapping[int, str] | None = None) -> str:
    """A RoBERTa with this head, for 64 tokens (its places begin at 2); its source."""
    from transformers import RobertaConfig

    tokenizer = roberta_tokenizer()
    settings = RobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=66, type_vocab_size=1, pad_token_id=1, bos_token_id=0,
        eos_token_id=2, **SIZES, **_labelled(labels),
    )  # fmt: skip
    return saved(folder, f"Roberta{head}", settings, tokenizer, seed)


def t5(folder: Path, *, seed: int = 0) -> str:
    """A T5 whose tokenizer has pieces of a letter, for 96 tokens; its source."""
    from transformers import T5Config, T5Tokenizer

    signs = [*string.ascii_letters, *string.digits, *".,?!'-:$%\"\n"]
    pieces = ["▁", *signs, *(f"▁{word}" for word in WORDS)]
    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((piece, -2.0) for piece in pieces)]
    tokenizer = T5Tokenizer(vocab=vocab, extra_ids=0, model_max_length=96)
    settings = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=37, num_layers=2, num_heads=2, decoder_start_token_id=0,
        pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return saved(folder, "T5ForConditionalGeneration", settings, tokenizer, seed)


def bart(folder: Path, *, seed: int = 0, places: int = 96) -> str:
    """A BART for so many tokens that its makers let search with beams and write at least 20 tokens; its source."""
    from transformers import BartConfig, GenerationConfig

    tokenizer = roberta_tokenizer("BartTokenizer")
    settings = BartConfig(
        vocab_size=len(tokenizer), max_position_embeddings=places, d_model=32, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=37, decoder_ffn_dim=37, pad_token_id=1,
        bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2,
    )  # fmt: skip
    source = saved(folder, "BartForConditionalGeneration", settings, tokenizer, seed)
    ids = {name: getattr(settings, name) for name in ("pad_token_id", "bos_token_id", "eos_token_id")}
    beams = GenerationConfig(num_beams=3, min_length=20, no_repeat_ngram_size=2, decoder_start_token_id=2, **ids)
    beams.save_pretrained(folder)
    return source


def saved(folder: Path, cls: str, settings: Any, tokenizer: Any, seed: int) -> str:
    """The source of a model of this class with large random weights, so that its numbers differ from text to text."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(seed)
    model = getattr(transformers, cls)(settings)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.copy_(torch.randn_like(weight) * (0.5 if weight.shape[0] < 40 else 0.2))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return f"file:{folder}"


def _labelled(labels: Mapping[int, str] | None) -> dict[str, Any]:
    return {"id2label": dict(labels), "label2id": {name: i for i, name in labels.items()}} if labels else {}


def answered(model: Any, batch: Sequence[Request]) -> list[Prediction]:
    """The model's predictions in the order of the requests, in whatever order and groups it gives them."""
    given = [one for group in model.predict(batch) for one in (group if isinstance(group, list) else [group])]
    found = {prediction.id: prediction for prediction in given}
    assert len(given) == len(found) == len(batch)
    return [found[request.id] for request in batch]
