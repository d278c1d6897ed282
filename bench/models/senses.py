"""What of a request can be heard, seen and read: numbers, or a text, out of which an answer is learned."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from bench.errors import BenchError
from bench.models import film_features, prosody, sound
from bench.models.encoder_head import last_said
from bench.types import Audio, Request, Text, Video

BLANK = object()  # what is there and says nothing: silence, an empty text
_MOST_COMPONENTS = 40


class Sense(ABC):
    """One way to perceive a request; `parts` are those of which one must be there."""

    name: ClassVar[str]
    parts: ClassVar[frozenset[str]]

    @abstractmethod
    def perceived(self, request: Request) -> Any:
        """What is learned from; BLANK where there is nothing in it, None where the request has no such part.

        Raises ValueError for a file that is missing or damaged, or a request with several.
        """

    def gathered(self, found: Sequence[Any]) -> Any:
        """What was perceived of several requests, as `prepared` takes it."""
        import numpy as np

        return np.stack(found)

    @abstractmethod
    def prepared(self, n: int, seed: int) -> Any:
        """The unfitted transformer between what is perceived of `n` requests and a linear model."""


class Sound(Sense):
    """How something is said, in a recording or on the sound track of a film."""

    name, parts = "sound", frozenset({"audio", "video"})

    def perceived(self, request: Request) -> Any:
        """The features of `prosody`."""
        path = _one(request, Audio, Video)
        if path is None or (_is_film(request) and not sound.has_track(path, "audio")):
            return None
        found = prosody.features(sound.pieces(path, prosody.RATE))
        return BLANK if found is None else found

    def prepared(self, n: int, seed: int) -> Any:
        """All standardised, what cannot be measured at its median."""
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())


class Frames(Sense):
    """What a film looks like, at `n_frames` moments."""

    name, parts = "frames", frozenset({"video"})

    def __init__(self, n_frames: int) -> None:
        self.n_frames = n_frames

    def perceived(self, request: Request) -> Any:
        """The features of `film_features`."""
        path = _one(request, Video)
        if path is None or not sound.has_track(path, "video"):
            return None
        return film_features.features(path, self.n_frames)

    def prepared(self, n: int, seed: int) -> Any:
        """The principal components of edges and of movement, at most 40 of each."""
        from sklearn.compose import make_column_transformer
        from sklearn.decomposition import PCA
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        n_components = max(1, min(_MOST_COMPONENTS, n // 3))
        parts = [
            (make_pipeline(StandardScaler(), PCA(n_components, svd_solver="randomized", random_state=seed)), place)
            for place in (film_features.EDGES, film_features.MOVED)
        ]
        return make_pipeline(make_column_transformer(*parts), StandardScaler())


class Words(Sense):
    """The last text of the user."""

    name, parts = "words", frozenset({"text"})

    def perceived(self, request: Request) -> Any:
        """The text itself."""
        if not any(isinstance(part, Text) and part.role == "user" for part in request.parts):
            return None
        return (last_said(request) or "").strip() or BLANK

    def gathered(self, found: Sequence[Any]) -> Any:
        """The texts, as an array that can be cut into folds."""
        import numpy as np

        return np.array(found, object)

    def prepared(self, n: int, seed: int) -> Any:
        """TF-IDF of words and pairs; of a text with no word of two letters, of letters."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+")


def chosen(names: Sequence[str], n_frames: int) -> list[Sense]:
    """The senses of these names; raises BenchError for none, one twice, or an unknown one."""
    known: dict[str, Sense] = {one.name: one for one in (Sound(), Frames(n_frames), Words())}
    if not names or len(set(names)) != len(names) or set(names) - set(known):
        raise BenchError(f"model.senses={list(names)} must be one or more of {', '.join(known)}, each once")
    return [known[name] for name in names]


def _is_film(request: Request) -> bool:
    return any(isinstance(part, Video) for part in request.parts)


def _one(request: Request, *kinds: type[Audio | Video]) -> str | None:
    """The path of the one recording or film, None where there is none; raises ValueError for several."""
    paths = [part.path for part in request.parts if isinstance(part, kinds)]
    if len(paths) > 1:
        raise ValueError(f"request {request.id!r} holds {len(paths)} recordings and films; one can be judged at a time")
    return paths[0] if paths else None
