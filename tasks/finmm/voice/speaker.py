"""Who speaks: the voices of the set, and how a voice changes with the feeling that it is to express."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Speaker:
    """A synthetic voice. `voice` is the name that espeak-ng knows it by; with `neural` it is only its phonemes that are used.

    `pitch` and `range` are 0 to 100 as in espeak-ng, `rate` is in words a minute, all for a speaker at rest.
    """

    name: str
    voice: str
    accent: str
    sex: str
    pitch: int
    range: int
    rate: int
    neural: bool = False

    @property
    def synthesiser(self) -> str:
        """The synthesiser and its voice, as annotations name it."""
        return "piper en_US-joe-medium" if self.neural else f"espeak-ng {self.voice}"


# No variant with `breath` (f2, f3, f5, whisper): its noise comes from the C library's random numbers, which all of a process share.
JOE = Speaker("joe", "gmw/en-US", "en-US", "male", 50, 50, 170, neural=True)
FORMANT: tuple[Speaker, ...] = (
    Speaker("amber", "gmw/en-US+linda", "en-US", "female", 52, 48, 158),
    Speaker("boyd", "gmw/en-US+m4", "en-US", "male", 40, 44, 150),
    Speaker("carla", "gmw/en-US-nyc+Andrea", "en-US-nyc", "female", 46, 55, 168),
    Speaker("dorian", "gmw/en-US-nyc+m1", "en-US-nyc", "male", 46, 52, 164),
    Speaker("edith", "gmw/en+f4", "en-GB", "female", 48, 42, 148),
    Speaker("frank", "gmw/en+m3", "en-GB", "male", 38, 40, 152),
    Speaker("greer", "gmw/en-GB-scotland+f1", "en-scotland", "female", 50, 50, 154),
    Speaker("hamish", "gmw/en-GB-scotland+m2", "en-scotland", "male", 42, 50, 160),
    Speaker("imani", "gmw/en-029+steph", "en-029", "female", 54, 52, 152),
    Speaker("joel", "gmw/en-029+m5", "en-029", "male", 44, 48, 150),
    Speaker("kate", "gmw/en-GB-x-rp+belinda", "en-GB-rp", "female", 50, 46, 150),
    Speaker("lloyd", "gmw/en-GB-x-rp+m7", "en-GB-rp", "male", 42, 44, 146),
    Speaker("mary", "gmw/en-GB-x-gbclan+Annie", "en-GB-lancashire", "female", 50, 48, 156),
    Speaker("neil", "gmw/en-GB-x-gbcwmd+m6", "en-GB-westmidlands", "male", 42, 46, 156),
)
SPEAKERS: tuple[Speaker, ...] = (*FORMANT, JOE)


@dataclass(frozen=True)
class Delivery:
    """How something is said: pitch and range 0 to 100, words a minute, loudness in dB of full scale."""

    pitch: int
    range: int
    rate: int
    loudness: float


def delivery(speaker: Speaker, valence: float, arousal: float) -> Delivery:
    """How the speaker sounds with a feeling: arousal is faster, higher, livelier and louder; valence livelier and a little higher.

    Valence is in [-1, 1] and arousal in [0, 1]; at valence 0 and arousal 0.3 it is the speaker at rest.
    """
    more = arousal - 0.3
    return Delivery(
        pitch=_within(speaker.pitch + 42 * more + 7 * valence, 0, 99),
        range=_within(speaker.range + 30 * more + 32 * valence, 2, 99),
        rate=_within(speaker.rate * (1 + 0.45 * more + 0.04 * valence), 90, 260),
        loudness=-26.0 + 16.0 * more,
    )


def _within(value: float, low: int, high: int) -> int:
    return min(max(round(value), low), high)
