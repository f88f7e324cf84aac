// Plain loops: the contract spelled out.
import ComputeBackend
