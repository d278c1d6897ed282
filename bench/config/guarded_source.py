"""How Hydra reads a stranger's configuration: only what is plain YAML, whichever file's `defaults` name it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from bench.data.plain_yaml import read_yaml
from bench.errors import BenchError


class GuardedSource(FileConfigSource):  # type: ignore[misc]
    """A folder of configurations that did not come with this package; raises BenchError for a file that is no plain mapping,
    or none that Hydra reads.
    """

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
        try:
            return super().load_config(config_path)
        except (HydraException, OmegaConfBaseException, ValueError) as error:  # its first line, or an unfinished ${
            said = next((line.strip() for line in str(error).split("\n") if line.strip()), type(error).__name__)
            raise BenchError(f"{path}: {said}; correct it") from None
