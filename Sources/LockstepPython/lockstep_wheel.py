# From this folder to a wheel, for pip and other installers, by the standard library alone. Sources of the formats: PEP
# 517 (the hooks), and the packaging specifications "binary distribution format" and "core metadata".
"""The build backend: a wheel of the module and the library beside it."""

from __future__ import annotations

import base64
import ctypes
import hashlib
import os
import pathlib
import sysconfig
import zipfile
from typing import Any, Iterator, Mapping, Optional

_FOLDER = pathlib.Path(__file__).resolve().parent
_METADATA = """\
Metadata-Version: 2.1
Name: lockstep
Version: {version}
Summary: Dense neural networks that give the same bits on every backend, CPU and number of threads
License: Apache-2.0
Requires-Python: >=3.9
Requires-Dist: numpy
Provides-Extra: sklearn
Requires-Dist: scikit-learn>=1.6; extra == "sklearn"
"""
_WHEEL = """\
Wheel-Version: 1.0
Generator: lockstep
Root-Is-Purelib: false
Tag: {tag}
"""


class UnsupportedOperation(Exception):
    """What a hook raises for what cannot be made; installers look for it by this name."""


def build_wheel(
    wheel_directory: str,
    config_settings: Optional[Mapping[str, Any]] = None,
    metadata_directory: Optional[str] = None,
) -> str:
    """Writes the wheel into a folder, and returns its name."""
    version, tag = _version(), _tag()
    information = f"lockstep-{version}.dist-info"
    entries = [(f"lockstep/{name}", path.read_bytes(), path.stat().st_mode & 0o777) for name, path in _files()]
    entries += [
        (f"{information}/METADATA", _METADATA.format(version=version).encode(), 0o644),
        (f"{information}/WHEEL", _WHEEL.format(tag=tag).encode(), 0o644),
    ]
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data, _ in entries)
    record += f"{information}/RECORD,,\n"
    entries.append((f"{information}/RECORD", record.encode(), 0o644))

    wheel = f"lockstep-{version}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data, mode in entries:
            # Without the time, the same files give the same wheel.
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return wheel


def build_sdist(sdist_directory: str, config_settings: Optional[Mapping[str, Any]] = None) -> str:
    """Refuses: what is compiled is not made of this folder."""
    raise UnsupportedOperation("there is no source distribution of the module alone: it comes from Lockstep's Swift package")


def _libraries() -> list[pathlib.Path]:
    libraries = sorted((_FOLDER / "lockstep" / "lib").glob("liblockstep.so.*"))
    if len(libraries) != 1:
        raise SystemExit(
            "liblockstep is not beside the module: run `swift package install-lockstep --prefix DIR` in Lockstep's "
            "folder, then `pip install DIR/share/lockstep/python`"
        )
    return libraries


def _version() -> str:
    """What the library says: its header is the one place that has the version."""
    function = ctypes.CDLL(str(_libraries()[0])).lockstep_version
    function.restype = ctypes.c_char_p
    return function().decode()


def _tag() -> str:
    """Any Python 3, as nothing here is compiled against one, on this kind of machine."""
    return "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")


def _files() -> Iterator[tuple[str, pathlib.Path]]:
    """The module's files by their names below it."""
    module = _FOLDER / "lockstep"
    for path in sorted(module.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(module).as_posix(), path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
