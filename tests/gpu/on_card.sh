#!/bin/sh
# What a card has to show of every recipe's calls and of prepared ones: bits, then times. Each step by itself: one that
# fails stops no other. From a checkout: OUT=results sh tests/gpu/on_card.sh [I/N]
# The proof's part I of N; `python -m fos_gpu.proof.device --join results --out reports` joins the parts anywhere.
out=${OUT:?a folder} part=${1:-1/1}
mkdir -p "$out"
step() {
  name=$1 limit=$2
  shift 2
  start=$(date +%s)
  PYTHONPATH=. timeout "$limit" python3 "$@" >"$out/$name.log" 2>&1
  echo "$name: exit $?, $(($(date +%s) - start)) s"
  tail -n 4 "$out/$name.log"
}
[ "$part" = 1/1 ] || [ "${part%%/*}" = 1 ] && {
  step tests 240 -m pytest -q -n 12 -m gpu -p no:cacheprovider tests/gpu/test_prepared_device.py
  step benchmark 150 -m benchmarks.gpu --out "$out" --parts small launches --rounds 5
}
step "proof-${part%%/*}" 400 -m fos_gpu.proof.device --share "$part" --out "$out"
