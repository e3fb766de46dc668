#!/usr/bin/env bash
# The recurra program keeps its contract (DESIGN, "The recurra program"): exit codes, one line on stderr, JSON of the stated
# keys, pipes that carry nothing else, and a state that survives the process.
#
#     bash tests/api/cli_test.sh build/release/bin/recurra
#
# Answers of the default model are compared with each other and never with what a better model would say.
set -u
recurra=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  echo "FAILED: $1"
  sed 's/^/    stdout: /' out 2>/dev/null | head -5
  sed 's/^/    stderr: /' err 2>/dev/null | head -5
}

# run CODE ARGUMENT...: exits with CODE; on 0 stderr is empty, on 1 and 2 it is one line that begins "recurra: ".
run() {
  local want=$1 code
  shift
  "$recurra" "$@" >out 2>err </dev/null
  code=$?
  if [ "$code" -ne "$want" ]; then
    bad "recurra $* exits with $code, not $want"
  elif [ "$want" -eq 0 ] && [ -s err ]; then
    bad "recurra $* writes to stderr"
  elif [ "$want" -ne 0 ] && { [ "$(wc -l <err)" -ne 1 ] || ! grep -q '^recurra: .' err; }; then
    bad "recurra $* does not fail with one line 'recurra: ...'"
  else
    ok
  fi
}

same() { if [ "$2" = "$3" ]; then ok; else bad "$1: '$2' is not '$3'"; fi; }

# check NAME EXPRESSION: a Python expression over j, the JSON object that `out` holds and nothing else.
check() {
  if python3 - "$2" <<'PYTHON' 2>err; then ok; else bad "$1: not so: $2"; fi
import json, math, sys
j = json.loads(open("out", "rb").read().decode("utf-8", "strict"))
assert isinstance(j, dict) and eval(sys.argv[1]), j
PYTHON
}

echo "-- usage and errors"
"$recurra" >out 2>err </dev/null
same "no command" "$?" 2
grep -q recall err && ok || bad "no command shows no help"
run 0 --help
grep -q perplexity out && ok || bad "--help lists no commands"
grep -q recall-answers out && bad "--help lists the hidden command" || ok
for command in recall chat generate info logits bench perplexity; do
  run 0 "$command" --help
  for option in --backend --dtype --state-dtype --threads --json; do
    grep -q -- "$option" out && ok || bad "$command --help has no $option"
  done
done
run 0 --version
run 2 nonsense
run 2 recall --nonsense
run 2 recall --tokens many
run 2 recall --tokens -5
run 2 recall --dtype f64
run 2 recall --state-dtype bf16
run 1 recall --backend cpu --state-dtype f16
grep -q "needs the cuda backend" err && ok || bad "an f16 state on the CPU is refused without a reason"
run 2 info --backend abacus
run 2 info -t -1
run 2 generate
run 2 generate -p a --prompt-file b
run 2 generate -p a --temp -1
run 2 generate -p a --top-p 1.5
run 2 perplexity
run 2 logits --tokens x.i32
run 2 bench -b 0
run 1 info no/such/file
run 1 generate -m no/such/file -p a
run 1 generate -m "" -p a
grep -q 'no/such/file' err && bad "an empty model path is taken for another" || ok
echo 'hello there, this is text' >text
run 1 info text
run 1 generate -m text -p a
head -c 100 /dev/urandom >noise
printf GGUF | cat - noise >noise.gguf
run 1 info noise.gguf
mkdir folder
run 1 info folder
run 1 generate -m folder -p a
grep -q 'folder has no config.json' err && ok || bad "a folder without config.json is not said to be one"
run 1 chat --state noise
run 1 chat --state no/such/folder/file
run 1 logits --tokens text --out o.f32
run 1 perplexity no/such/file
: >empty
run 1 perplexity empty
run 1 generate --prompt-file no/such/file
run 1 generate --prompt-file .
"$recurra" info >/dev/full 2>err </dev/null
same "a full disk below stdout" "$?" 1
same "and its one line" "$(grep -c '^recurra: ' err)$(wc -l <err)" 11

echo "-- info"
run 0 info
run 0 info --json
check "info of a model" 'j["kind"] == "model" and not j["tied_embedding"] and j["n_vocab"] > 0 and len(j["fingerprint"]) == 32 and j["metadata"]["general.architecture"] == j["architecture"]'

echo "-- generate"
run 0 generate -p 'User: Tell me about the river.' -n 24
cp out whole
run 0 generate -p 'User: Tell me about the river.' -n 24
cmp -s out whole && ok || bad "greedy text differs from run to run"
printf 'User: Tell me about the river.' >prompt
run 0 generate --prompt-file prompt -n 24
cmp -s out whole && ok || bad "--prompt-file differs from -p"
"$recurra" generate -p - -n 24 <prompt >out 2>err && cmp -s out whole && ok || bad "-p - differs from -p"
run 0 generate -p 'User: Tell me about the river.' -n 10 --save half.state
cp out halves
run 0 generate --state half.state -n 14
cat out >>halves
cmp -s halves whole && ok || bad "a saved half and the other half in a new process are not the whole"
run 0 generate -p 'User: Tell me' -n 16 --temp 1 --top-k 40 --top-p 0.95 --min-p 0.01 --repeat-penalty 1.1 --seed 7
cp out drawn
run 0 generate -p 'User: Tell me' -n 16 --temp 1 --top-k 40 --top-p 0.95 --min-p 0.01 --repeat-penalty 1.1 --seed 7
cmp -s out drawn && ok || bad "the same seed draws another text"
run 0 generate -p 'User: Tell me' -n 8 --json
check "generate --json" 'j["tokens"] <= 8 and j["prompt_tokens"] > 0 and isinstance(j["text"], str)'

echo "-- chat in a pipe"
printf 'My name is Dave.\nI saw the old river.\n\nWhat is my name?\n' >messages
"$recurra" chat <messages >out 2>err
same "chat exits" "$?" 0
same "replies, one per line" "$(wc -l <out)" 4
same "stderr" "$(cat err)" ""
same "the reply to no message" "$(sed -n 3p out)" ""
cp out together
for i in 1 2 3 4; do sed -n "${i}p" messages | "$recurra" chat --state talk.state; done >out 2>err
cmp -s out together && ok || bad "four processes over one state file and one process reply differently"
printf '/help\n' | "$recurra" chat >out 2>err
same "a slash is a message in a pipe" "$(wc -l <out)" 1
printf 'No newline at the end' | "$recurra" chat >out 2>err
same "a last line without its end" "$(wc -l <out)" 1
"$recurra" chat --json --system 'You are brief.' <messages >out 2>err
check "chat --json" 'len(j["replies"]) == 4 and j["tokens"] > 0 and j["replies"][3]["message"] == "What is my name?"'
run 0 chat --state fresh.state
[ -s fresh.state ] && ok || bad "chat --state makes no file"
run 0 info talk.state
run 0 info talk.state --json
check "info of a state" 'j["kind"] == "state" and j["n_tokens"] > 0 and j["dtype"] == "f32" and j["notes"] == {}'
size=$(stat -c %s talk.state)
head -c $((size / 2)) talk.state >cut.state
run 1 chat --state cut.state
cp talk.state flipped.state
printf 'X' | dd of=flipped.state bs=1 seek=$((size - 100)) conv=notrunc status=none
run 1 chat --state flipped.state
run 1 info flipped.state

echo "-- chat on a terminal"
if command -v script >/dev/null; then
  printf '/help\n/nonsense\n/save\nMy name is Dave.\n/reset\n/quit\n' |
    script -qec "$recurra chat --state terminal.state" /dev/null >out 2>err
  same "chat on a terminal exits" "$?" 0
  for word in '/reset  forget' 'no command /nonsense' 'Saved to terminal.state' 'forgotten'; do
    grep -qF "$word" out && ok || bad "chat on a terminal does not say '$word'"
  done
  script -qec "$recurra recall --tokens 6000" /dev/null >out 2>err </dev/null
  grep -q 'reading \[' out && ok || bad "recall shows no progress bar on a terminal"
else
  bad "the program 'script' (bsdutils) is missing: the terminal was not tried"
fi

echo "-- recall"
run 0 recall --tokens 3000 --json
check "recall --json" 'list(j) == ["asked", "correct", "tokens", "tok_s", "state_bytes", "rss_start", "rss_end", "seconds", "questions"]'
check "recall's numbers" 'j["asked"] == len(j["questions"]) > 0 and j["correct"] == sum(q["ok"] for q in j["questions"]) and j["tokens"] == 3000 and j["tok_s"] > 0 and j["state_bytes"] > 0 and j["rss_end"] > 0'
check "recall's questions" 'all(list(q) == ["ask", "answer", "want", "ok"] and q["ok"] == (q["answer"] == q["want"]) and q["want"].startswith("You") for q in j["questions"])'
answers='import json; print([(q["ask"], q["answer"]) for q in json.load(open("out"))["questions"]])'
first=$(python3 -c "$answers")
run 0 recall --tokens 3000 --json --seed 1
same "the default seed is 1, and it decides everything" "$(python3 -c "$answers")" "$first"
run 0 recall --tokens 3000 --json --seed 2
[ "$(python3 -c "$answers")" != "$first" ] && ok || bad "another seed asks the same"
run 0 recall --tokens 0
grep -qE '^[0-8] of 8 right after 0 tokens$' out && ok || bad "recall prints no result"
ls -d "${TMPDIR:-/tmp}"/recurra-?????? 2>/dev/null | grep -q . && bad "recall leaves a temporary folder" || ok

echo "-- Ctrl-C"
"$recurra" recall --tokens 1000000000 >out 2>err </dev/null &
pid=$!
sleep 3
kill -INT "$pid"
wait "$pid"
same "recall after a SIGINT" "$? $(cat err)" "1 recurra: interrupted"
mkfifo talk
"$recurra" chat --state ctrl.state -n 100000000 <talk >out 2>err &
pid=$!
exec 3>talk
echo 'Tell me about the river.' >&3
sleep 3
kill -INT "$pid"
wait "$pid"
same "chat after a SIGINT" "$? $(cat err)" "1 recurra: interrupted"
exec 3>&-
run 0 info ctrl.state

echo "-- logits and perplexity"
run 0 info --json
python3 - <<'PYTHON'
import json, random, struct
n_vocab, draw = json.load(open("out"))["n_vocab"], random.Random(3)
open("tokens.i32", "wb").write(struct.pack("<700i", *(draw.randrange(n_vocab) for _ in range(700))))
PYTHON
run 0 logits --tokens tokens.i32 --out block.f32
run 0 logits --tokens tokens.i32 --out step.f32 --step
run 0 logits --tokens tokens.i32 --out block2.f32 --json
check "logits --json" 'j["tokens"] == 700 and j["n_vocab"] > 0 and j["dtype"] == "f32"'
cmp -s block.f32 block2.f32 && ok || bad "logits differ from run to run"
run 0 perplexity --tokens tokens.i32 --json
# 2e-3: float32 sums in another order, over logits of magnitude 30.
cat >close.py <<'PYTHON'
import array, json, math
j = json.load(open("out"))
read = lambda kind, name: array.array(kind, open(name, "rb").read())
a, b, tokens = read("f", "block.f32"), read("f", "step.f32"), read("i", "tokens.i32")
n_vocab = len(a) // 700
assert len(a) == len(b) == 700 * n_vocab, (len(a), len(b))
worst = max(abs(x - y) for x, y in zip(a, b))
assert worst < 2e-3, worst
nll = 0.0
for t in range(699):
    row = a[t * n_vocab:(t + 1) * n_vocab]
    top = max(row)
    nll += top + math.log(sum(math.exp(x - top) for x in row)) - row[tokens[t + 1]]
assert j["tokens"] == 700 and j["predicted"] == 699 and j["bytes"] > 0, j
assert abs(j["nll"] - nll / 699) < 1e-4, (j["nll"], nll / 699)
assert abs(j["perplexity"] - math.exp(j["nll"])) < 1e-6 * j["perplexity"]
assert abs(j["bits_per_byte"] - j["nll"] * 699 / j["bytes"] / math.log(2)) < 1e-9
PYTHON
python3 close.py 2>err && ok || bad "logits, logits --step and perplexity do not agree"
for i in $(seq 40); do echo 'I saw the old river near the bridge.'; done >text.txt
run 0 perplexity text.txt
grep -q '^perplexity' out && ok || bad "perplexity prints no perplexity"
printf '\xff\xff\xff\x7f' >outside.i32
run 1 logits --tokens outside.i32 --out o.f32

echo "-- bench"
run 0 bench -p 64 -n 4 -b 1,3 -r 2 --depth 70 --json
check "bench --json" 'list(j) == ["model", "backend", "threads", "results", "model_bytes", "state_bytes", "rss_peak", "limits"] and list(j["limits"]) == ["read_gb_s", "gemm_gflop_s"]'
check "bench's results" '[(r["test"], r["batch"], r["depth"]) for r in j["results"]] == [("pp64", 1, 70), ("tg4", 1, 70), ("pp64", 3, 70), ("tg4", 3, 70)]'
check "bench's numbers" 'all(0 < r["min"] <= r["tok_s"] <= r["max"] and r["fraction_of_limit"] > 0 for r in j["results"]) and j["limits"]["read_gb_s"] > 0 and j["limits"]["gemm_gflop_s"] > 0 and j["rss_peak"] > j["state_bytes"]'
run 0 bench -p 64 -n 0 -r 1 -t 1
grep -q '^pp64 ' out && ok || bad "bench prints no table"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
