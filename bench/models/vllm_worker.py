"""What is asked of vLLM's own processes, in which this module is imported: which attention they use, and their memory."""

from __future__ import annotations

from typing import Any


class Told:
    """Methods that vLLM adds to each of its workers (`worker_extension_cls`), called by name."""

    model_runner: Any

    def bench_attention_backends(self) -> list[str]:
        """The names of the backends that its layers use."""
        groups = [group for some in self.model_runner.attn_groups for group in some]
        return sorted({str(group.backend.get_name()) for group in groups})

    def bench_peak_memory(self) -> int:
        """The peak of the memory of its GPU in bytes, 0 without one."""
        import torch

        return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0
