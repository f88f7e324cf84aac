"""A peer's worker seen from outside: started with the right environment, asked, and stopped between its turns."""

import json
import os
import signal
import subprocess
from pathlib import Path

from .peer import Peer
from .setup import python

# What a machine may set to its users' good, and what would handicap a peer or change its number of threads.
REMOVED_VARIABLES = (
    "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NVPL_BLAS_DEBUG_CPU_TYPE", "BLIS_ARCH_TYPE", "MKL_ENABLE_INSTRUCTIONS",
    "MKL_DEBUG_CPU_TYPE", "MKL_CBWR", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS",
    "GOMP_CPU_AFFINITY", "OMP_PROC_BIND", "OMP_PLACES", "OMP_WAIT_POLICY",
)  # fmt: skip


class WorkerError(Exception):
    """A worker gave an error, or none of its variants works."""


class WorkerProcess:
    """One peer with one number of threads, at work only while it is asked something."""

    def __init__(self, peer: Peer, threads: int, clock: str, home: Path) -> None:
        self.peer = peer
        environment = {key: value for key, value in os.environ.items() if key not in REMOVED_VARIABLES}
        environment |= {"OMP_NUM_THREADS": str(threads)} | peer.environment(threads, home)
        cpus = sorted(os.sched_getaffinity(0))
        command = [
            str(python(home, peer.environment_name)), "-m", "peers.worker", peer.name, str(home), str(threads), clock,
        ]  # fmt: skip
        if peer.is_pinned:
            command = ["taskset", "--cpu-list", ",".join(map(str, cpus[-threads:])), *command]
        with (home / "workers.log").open("a") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment,
                cwd=Path(__file__).parent.parent,
            )  # fmt: skip

    def ask(self, **request: object) -> dict:
        """The answer to a request. Afterwards the process stands still, its spinning threads too."""
        self.process.send_signal(signal.SIGCONT)
        assert self.process.stdin and self.process.stdout
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"it ended with code {self.process.wait()}")
        self.process.send_signal(signal.SIGSTOP)
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def end(self) -> None:
        """Ends the process."""
        self.process.kill()
        # Waits, and closes the pipes.
        self.process.communicate()
