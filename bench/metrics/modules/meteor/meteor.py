"""METEOR 1.5, in [0, 1]. Predictions: strings; references: lists of strings.

It needs Java and its program, which `bench fetch task=dstc7` brings. `clean`: whether texts are cleaned as in DSTC7 track 2
first (True); without, they must be lower-case tokens with spaces between.
"""

from bench.metrics import dstc7
from bench.metrics.evaluate_module import module
from bench.metrics.meteor import meteor

Meteor = module(__name__, lambda clean=True: [meteor(dstc7.clean if clean else str)], __doc__)
