#!/usr/bin/env bash
# fetch_onednn.sh DIR: puts oneDNN 3.2 (headers, libdnnl.so, CMake files, licence) into DIR, unless it is there.
#
# It comes from two PyPI wheels that hold no Python at all: the plain libgomp build of oneDNN and its development files.
# pip downloads and checks them against the hashes below; nothing is installed outside DIR.
set -euo pipefail

version=2023.2.0 # the wheels' number of oneDNN 3.2.0
requirements="
onednn-cpu-gomp==$version --hash=sha256:2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb
onednn-devel-cpu-gomp==$version --hash=sha256:9763c69e8c907e119056bd52ad918ca84ac9ba939d130a99dfa95ccca3e5e284
"

die() { echo "fetch_onednn: $*" >&2; exit 1; }
there() { [ -e "$1/lib/cmake/dnnl/dnnl-config.cmake" ]; }

[ $# = 1 ] || { echo "usage: fetch_onednn.sh DIR" >&2; exit 2; }
dir=$1
there "$dir" && exit 0
[ "$(uname -sm)" = "Linux x86_64" ] || die "PyPI has oneDNN for Linux x86_64 only; install oneDNN 3 and configure with -DRECURRA_ONEDNN_DIR=PREFIX"
python3 -m pip --version >/dev/null 2>&1 || die "python3 with pip is needed to download oneDNN (Debian: python3-pip)"
if [ -d "$dir" ] && [ -n "$(ls -A "$dir")" ]; then
  die "$dir is not empty and holds no oneDNN: remove it or name another folder"
fi

mkdir -p "$(dirname "$dir")"
# Beside DIR, so that the last step is one rename: DIR never holds half of it.
work=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "fetch_onednn: downloading oneDNN 3.2 from PyPI"
echo "$requirements" >"$work/requirements.txt"
python3 -m pip --disable-pip-version-check download --quiet --no-cache-dir --no-deps --only-binary :all: \
  --require-hashes -r "$work/requirements.txt" -d "$work/wheels" || die "the download failed; pip's reason is above"

# A wheel's NAME.data/data/ is what belongs under a prefix. Zip files have no links, so libdnnl.so lies in there three times.
python3 - "$work/wheels" "$work/prefix" <<'PY'
import pathlib, re, shutil, sys, zipfile

wheels, prefix = map(pathlib.Path, sys.argv[1:])
copies = {"lib/libdnnl.so": "libdnnl.so.3", "lib/libdnnl.so.3": "libdnnl.so.3.2"}
for wheel in sorted(wheels.glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            match = re.fullmatch(r"[^/]+\.data/data/((?:include|lib|share)/.*[^/])", entry.filename)
            if not match or ".." in entry.filename:
                continue
            target = prefix / match[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            if match[1] in copies:
                target.symlink_to(copies[match[1]])
                continue
            with archive.open(entry) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out)
(prefix / "lib/libdnnl.so.3.2").chmod(0o755)
PY
there "$work/prefix" || die "the wheels are not laid out as expected"
if ! mv -T "$work/prefix" "$dir" 2>/dev/null; then
  there "$dir" || die "cannot write $dir" # else another run was faster, with the same files
fi
echo "fetch_onednn: oneDNN 3.2 is in $dir"
