"""All peers, in the order of the table."""

from .native import LIBRARIES
from .peer import Peer
from .peer_jax import JAXPeer
from .peer_lockstep import WAYS
from .peer_native import NativePeer
from .peer_numpy import NumPyPeer
from .peer_onnxruntime import ONNXRuntimePeer
from .peer_sklearn import SklearnPeer
from .peer_tensorflow import TensorFlowPeer
from .peer_torch import TorchPeer

PEERS: tuple[Peer, ...] = (
    *(NativePeer(library) for library in LIBRARIES),
    NumPyPeer(),
    TorchPeer(),
    JAXPeer(),
    TensorFlowPeer(),
    SklearnPeer(),
    ONNXRuntimePeer(),
)

CALLED_BY_ROW = ("NumPy", "PyTorch", "ONNX Runtime")
"""The peers that a program would ask for one row at a time."""


def peer_named(name: str) -> Peer:
    """The peer of that name."""
    return next(peer for peer in (*PEERS, *WAYS) if peer.name == name)
