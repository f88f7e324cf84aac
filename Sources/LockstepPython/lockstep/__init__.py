# What `import lockstep` gives. scikit-learn's estimators are in lockstep.sklearn, which is imported by who asks for it.
"""Dense neural networks that give the same bits on every backend, CPU and number of threads.

Networks compute on NumPy arrays where they lie; one network may be used from several threads at once.
"""

from ._arrays import digest
from ._backend import Backend, BackendChoice
from ._errors import (
    ArgumentError,
    FileError,
    LockstepError,
    ModelError,
    NotFiniteError,
    OutOfMemoryError,
    UnavailableError,
)
from ._layers import Gradients, Layer
from ._library import version
from ._network import Network

__version__ = version()

__all__ = [
    "ArgumentError",
    "Backend",
    "BackendChoice",
    "FileError",
    "Gradients",
    "Layer",
    "LockstepError",
    "ModelError",
    "Network",
    "NotFiniteError",
    "OutOfMemoryError",
    "UnavailableError",
    "digest",
]
