"""The cases of `minigrad/nn/functional`: by "nn." and the name."""

from __future__ import annotations

from tests.cases.common import *

SPECS: dict[str, Spec] = {}
