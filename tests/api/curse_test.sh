#!/usr/bin/env bash
# examples/curse.py on a few tokens: a row for each of its mixers, constant memory in all but the first, and a picture.
#
#     bash tests/api/curse_test.sh build/release/bin/recurra
set -eu
program=$1
python=${RECURRA_TEST_PYTHON:-python3}
if ! "$python" -c 'import numpy, matplotlib' 2>/dev/null; then
  echo "SKIPPED: $python has no numpy or no matplotlib (tests/requirements.txt)"
  exit 77
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$python" "$(dirname "$0")/../../examples/curse.py" "$program" "$out" --depths 70,600 --beyond "" --repeats 1 >/dev/null
"$python" - "$out" <<'EOF'
import json, pathlib, sys
out = pathlib.Path(sys.argv[1])
figures = json.loads((out / "curse.json").read_text())
assert len(figures) == 7, figures.keys()
for name, figure in figures.items():
    states = [at["state_bytes"] for at in figure["at"].values()]
    assert (len(set(states)) == 1) == (name != "softmax attention"), (name, states)
    assert all(at["seconds_per_token"] > 0 for at in figure["at"].values())
assert (out / "curse.png").read_bytes().startswith(b"\x89PNG")
assert len((out / "curse.md").read_text().splitlines()) == 2 + 7
EOF
echo "1 passed, 0 failed, 0 skipped"
