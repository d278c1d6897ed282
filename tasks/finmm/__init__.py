"""The embedded multi-modal financial data set: text, emotion, dialogue and pictures (CC0)."""

from pathlib import Path

FOLDER = Path(__file__).parent
LICENCE = "CC0-1.0"  # an SPDX identifier, as the annotations have it
