"""Compiles the loops of service/inference/kernel. `ziglang` is a C compiler in a wheel: none has to be there before.

Where it fails, installing goes on: the same answers come from numpy, in twice the time.
"""

import os
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

# -mcpu=baseline: an image runs on other CPUs than the one that built it; no contraction: both ways round alike
FLAGS = [
    *("-std=c11", "-O3", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"),
    *("-mcpu=baseline", "-ffp-contract=off", "-fno-math-errno"),
]


class BuildKernel(build_ext):
    """A plain shared library for ctypes: no header of Python is needed, one build serves all its versions."""

    def get_ext_filename(self, fullname: str) -> str:
        return str(Path(*fullname.split("."))) + ".so"

    def build_extension(self, ext: Extension) -> None:
        target = Path(self.get_ext_fullpath(ext.name)).absolute()
        target.parent.mkdir(parents=True, exist_ok=True)
        cache = Path(self.build_temp).absolute()
        caches = {"ZIG_GLOBAL_CACHE_DIR": str(cache), "ZIG_LOCAL_CACHE_DIR": str(cache)}
        compile_ = [sys.executable, "-m", "ziglang", "cc", *FLAGS, "-o", str(target), *ext.sources, "-lm"]
        try:
            subprocess.run(compile_, check=True, env={**os.environ, **caches})  # noqa: S603 - our own words only
        except (OSError, subprocess.CalledProcessError) as error:
            raise CompileError(str(error)) from error


HEADERS = sorted(map(str, Path("service/inference/kernel").glob("*.h")))
SOURCES = sorted(map(str, Path("service/inference/kernel").glob("*.c")))
setup(
    cmdclass={"build_ext": BuildKernel},
    ext_modules=[Extension("service.inference.kernel.libkernel", SOURCES, depends=HEADERS, optional=True)],
)
