"""What the adapters of torch models share: weights, device, barrier and memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.artifacts import parse
from bench.errors import BenchError
from bench.models import weights
from bench.models.base import Device, Model

if TYPE_CHECKING:
    import torch


class TorchModel(Model):
    """A model whose weights are at `source` with this `sha256`, loaded by transformers' auto class of this name."""

    auto_class: str

    def __init__(self, source: str, sha256: str | None = None) -> None:
        self.source = source
        self.revision = parse(source).revision
        self.weights_sha256 = sha256 or ""

    def fetch(self) -> None:
        """Bring the weights into the cache, converted if need be."""
        weights.folder(self.source, self.weights_sha256 or None)

    def load(self, device: Device, *, seed: int) -> None:
        """Load weights and tokenizer onto the device."""
        folder = weights.folder(self.source, self.weights_sha256 or None)
        import torch
        import transformers
        from safetensors import SafetensorError

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        torch.set_num_threads(device.threads)
        torch.manual_seed(seed)
        self.device = torch.device(device.kind)
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            auto: Any = getattr(transformers, self.auto_class)
            loaded = auto.from_pretrained(
                folder, dtype=getattr(torch, device.dtype), local_files_only=True, use_safetensors=True
            )
        except (OSError, ValueError, SafetensorError) as error:
            raise BenchError(
                f"{self.source}: {str(error).splitlines()[0]}; give a folder with config, tokenizer and safetensors"
            ) from None
        self.model: Any = loaded.to(self.device).eval()

    def sync(self) -> None:
        """Wait for the GPU, if the model is on one."""
        if getattr(self, "device", None) is not None and self.device.type == "cuda":
            import torch

            torch.cuda.synchronize()

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
