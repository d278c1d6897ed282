"""How Hydra reads a stranger's configuration: only what is plain YAML, whichever file's `defaults` name it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.file_config_source import FileConfigSource

from bench.data.plain_yaml import read_yaml
from bench.errors import BenchError


class GuardedSource(FileConfigSource):  # type: ignore[misc]
    """A folder of configurations that did not come with this package; raises BenchError for a file that is no plain mapping."""

    @staticmethod
    def scheme() -> str:
        """What stands before :// of such a folder."""
        return "guarded"

    def load_config(self, config_path: str) -> Any:
        """Read the file by Hydra's reader once the strict one has read it."""
        path = Path(self.path, self._normalize_file_name(config_path))
        if path.is_file():
            found = read_yaml(path)
            if found is not None and not isinstance(found, Mapping):
                raise BenchError(f"{path} holds a {type(found).__name__}, where a configuration is `key: value` a line")
        return super().load_config(config_path)
