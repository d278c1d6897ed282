"""What the adapters of torch models share: weights, device, barrier and memory."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.artifacts.fetch import locate, resolved
from bench.artifacts.uri import parse
from bench.decoding import units
from bench.errors import BenchError
from bench.models import chat_template, checkpoint, taught_names, weights
from bench.models.base import Device, Model
from bench.models.device import emulates
from bench.runs import spans

if TYPE_CHECKING:
    import torch


class TorchModel(Model):
    """A model whose weights are at `source` with this `sha256`, loaded by transformers' auto class of this name.

    `trust` lists what the checkpoint may do: "remote_code" lets the Python in its own folder run. Pickled weights are read as
    tensors alone and need none ("pickle" changes nothing here). Weights that the checkpoint lacks are refused, but for names
    that begin with one of `spare_weights`, which the adapter does not use.
    """

    auto_class: str
    processor_class: str = "AutoTokenizer"  # adapters of pictures and sound: AutoProcessor, AutoImageProcessor, …
    spare_weights: tuple[str, ...] = ()

    def __init__(self, source: str, sha256: str | None = None, trust: list[str] | None = None) -> None:
        parse(source)
        self.source, self.sha256, self.trust = source, sha256, checkpoint.trusted(trust)

    @functools.cached_property
    def revision(self) -> str:  # type: ignore[override]  # found out when it is first asked for
        """The revision of the source; a Hub repository without one is pinned when it is first asked for."""
        return resolved(parse(self.source)).revision

    @functools.cached_property
    def weights_sha256(self) -> str:  # type: ignore[override]
        """The digest of the weights: the given one, which is checked, else that of what the source has now."""
        return weights.sha256_of(self.source, self.sha256)

    @property
    def taught(self) -> frozenset[str]:  # type: ignore[override]
        """What `bench train` has taught these weights, where they came out of it."""
        source = parse(self.source)
        if source.scheme not in ("file", "mlflow"):
            return frozenset()
        return taught_names.read(locate(self.source, fetch="bench fetch model=NAME"))

    def fetch(self) -> None:
        """Bring the weights into the cache, converted if need be."""
        weights.folder(self.source, self.sha256)

    def load(self, device: Device, *, seed: int) -> None:
        """Load weights and tokenizer or processor onto the device."""
        folder = weights.folder(self.source, self.sha256)
        checkpoint.check(folder, self.source, self.trust, text=self.processor_class == "AutoTokenizer")
        with spans.imports():
            import torch
            import transformers

            auto_class = getattr(transformers, self.auto_class)  # imports the most of it

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        torch.set_num_threads(device.threads)
        torch.manual_seed(seed)
        self.device = torch.device(device.kind)
        checkpoint.refuse_misfit(self.source, checkpoint.settings(folder, self.source), self.auto_class)
        options = {"local_files_only": True, "trust_remote_code": "remote_code" in self.trust}
        self._load_processor(folder)
        with checkpoint.one_line(self.source), checkpoint.alone():
            loaded, loading = auto_class.from_pretrained(
                folder,
                dtype=getattr(torch, device.dtype),
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
                **options,
                **self.loading(),
            )
        checkpoint.refuse_missing(self.source, loading, self.spare_weights)
        self.model: Any = loaded.to(self.device).eval()
        self._refuse_other_tokenizer()
        emulated = emulates(device.kind, device.dtype)
        self.unit_tokens = units.work_of(device.kind, device.dtype, self.model.num_parameters(), emulated=emulated)

    def _load_processor(self, folder: Path) -> None:
        """Load the tokenizer, or the processor that holds it, with its chat template guarded."""
        import transformers

        with checkpoint.one_line(self.source), checkpoint.alone():
            self.processor: Any = getattr(transformers, self.processor_class).from_pretrained(
                folder, local_files_only=True, trust_remote_code="remote_code" in self.trust
            )
        self.tokenizer: Any = getattr(self.processor, "tokenizer", self.processor)
        chat_template.guard(self.processor, self.source)

    def loading(self) -> dict[str, Any]:
        """What of its configuration is otherwise than the checkpoint's: nothing, unless it is to learn something else."""
        return {}

    def _refuse_other_tokenizer(self) -> None:
        """Raise BenchError when the tokenizer has more tokens than the model has embeddings: they are of two models."""
        tokens = getattr(self.tokenizer, "vocab_size", 0) or 0
        try:
            embeddings = self.model.get_input_embeddings().weight.shape[0]
        except (AttributeError, NotImplementedError):  # a model of sound or pictures has none
            return
        if tokens > embeddings:
            raise BenchError(
                f"{self.source}: the tokenizer has {tokens} tokens, the model embeddings of {embeddings}; "
                "they do not belong together, copy the model's own tokenizer"
            )

    def sync(self) -> None:
        """Wait for the GPU, if the model is on one."""
        if getattr(self, "device", None) is not None and self.device.type == "cuda":
            import torch

            torch.cuda.synchronize()

    def free(self) -> None:
        """Give torch's reserve of GPU memory back."""
        if getattr(self, "device", None) is not None and self.device.type == "cuda":
            import torch

            torch.cuda.empty_cache()

    def device_memory_bytes(self) -> int | None:
        """The peak of GPU memory, None on a CPU."""
        if getattr(self, "device", None) is None or self.device.type != "cuda":
            return None
        import torch

        return int(torch.cuda.max_memory_allocated())

    def encode(self, texts: Sequence[str], **options: Any) -> dict[str, torch.Tensor]:
        """Token ids and attention mask [b, t] of a padded batch, on the device."""
        found = self.tokenizer(list(texts), return_tensors="pt", padding=True, **options)
        return {name: found[name].to(self.device) for name in ("input_ids", "attention_mask")}
