#!/usr/bin/env bash
# The goldens on onnx-cuda, onnx-webgpu and TensorFlow, and the table beside PyTorch with CUDA, on a machine with an NVIDIA GPU.
#
#   scripts/gpu-check.sh                 check, in under 8 minutes; what is missing is told and left out
#   scripts/gpu-check.sh --pack [cuda]   here, with a network: pack what such a machine lacks where nothing can be fetched
#
# Ends with 0 where all that could run passed, with 1 where goldens failed or did not end. Results go to $OUT, else to ./gpu-check:
# machine.txt, doctor.txt, a file for each backend, bench.md and bench.log, summary.txt.
#
# What has to be where:
# - Node.js 20.19 or later; node_modules and dist (without dist `npm run build` is run, which needs the development packages).
# - onnx-cuda: libonnxruntime_providers_cuda.so and libonnxruntime_providers_shared.so of the same version as onnxruntime-node, in
#   node_modules/onnxruntime-node/bin/napi-v6/linux/x64. npm's package has neither; its libonnxruntime.so.1 (46 MB) has the CPU
#   and WebGPU. For CUDA 12 they come from nuget.org with `ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node
#   --ignore-scripts=false`; for CUDA 13 PyPI's wheel onnxruntime-gpu holds them (`--pack cuda` takes them from there, 272 MB).
#   They need libcublas, libcublasLt, libcudart, libcurand and cuDNN 9: taken from /usr/local/cuda and from what pip brought along
#   with torch.
# - onnx-webgpu: libvulkan.so.1 and the driver's nvidia_icd.json.
# - tensorflow: `npm run tensorflow:build -- --gpu` (npm, PyPI, a C++ compiler, 8 GB). Too large to pack.
# - PyTorch: MOKAPOT_BENCH_PYTHON, else a python3 that has torch.
#
# --pack makes .gpu/base (50 MiB: node, node_modules without what only pages, tests and TensorFlow need, dist, Debian's Vulkan loader)
# and with `cuda` .gpu/cuda1, cuda2, ... (48 MiB each, 5 of them), for machines that take 64 MiB at a time. All are ignored by git.
# Bring the parts of CUDA first, one at a time (`mkdir -p /tmp/gpu && cp -r .gpu/cuda1 /tmp/gpu`), then base, and run the script
# there: it unpacks both where they are missing, from .gpu or from MOKAPOT_GPU_PACK (/tmp/gpu).
#
# To try it without a GPU: MOKAPOT_GPU_BACKENDS=onnx MOKAPOT_GPU_NETWORKS=lenet scripts/gpu-check.sh

set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
ROOT=$PWD
ORT=node_modules/onnxruntime-node/bin/napi-v6/linux/x64
PROVIDERS='libonnxruntime_providers_cuda.so libonnxruntime_providers_shared.so'

# --- packing ---------------------------------------------------------------------------------------------------------------

# Production packages, without those for pages, pictures, charts and TensorFlow, and onnxruntime for this platform alone.
packed_modules() {
  npm ls --omit=dev --all --parseable 2>/dev/null | sed "s|^$ROOT/||" | grep '^node_modules/' |
    grep -Ev '^node_modules/(onnxruntime-web|@types|@rollup|@tensorflow/tfjs(-node-gpu|-layers|-data|-backend-webgl)?)(/|$)' |
    while read -r folder; do [ -d "$folder" ] && echo "$folder"; done
}

pack() {
  set -e
  [ -d node_modules ] || { echo 'node_modules is missing: npm ci'; exit 2; }
  [ -f dist/src/cli/main.js ] || npm run --silent build
  rm -rf .gpu
  mkdir -p .gpu/base .gpu/made/bin
  cp "$(readlink -f "$(command -v node)")" .gpu/made/bin/node
  # Drivers of GPUs are loaded by the Vulkan loader, which few servers have.
  (cd .gpu/made && apt-get download libvulkan1 >/dev/null 2>&1) || echo 'No libvulkan1 from apt: onnx-webgpu needs the machine to have libvulkan.so.1.'
  packed_modules >.gpu/list
  echo node_modules/.bin/jiti >>.gpu/list
  tar -c --exclude='onnxruntime-node/bin/napi-v6/*/arm64' --exclude='onnxruntime-node/bin/napi-v6/win32' \
    --exclude='onnxruntime-node/bin/napi-v6/darwin' --exclude='libonnxruntime_providers_*' --exclude='*.map' --exclude='*.d.ts' --exclude='*fesm*' --exclude='@tensorflow/*.min.js' \
    --exclude='echarts/dist/*.esm.*' --exclude='echarts/dist/echarts.*.js' --exclude='zrender/dist' --exclude='zrender/src' --exclude='echarts/types' \
    -T .gpu/list .gpu/made dist | xz -T1 -6 >.gpu/base/base.tar.xz
  if [ "${1-}" = cuda ]; then
    version=$(node -p "require('./node_modules/onnxruntime-node/package.json').version")
    python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
      --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 -d .gpu/wheel "onnxruntime-gpu==$version"
    python3 - .gpu/wheel/*.whl .gpu/providers $PROVIDERS <<'PYTHON'
import os, sys, zipfile
wheel, out, *names = sys.argv[1:]
os.makedirs(out)
with zipfile.ZipFile(wheel) as z:
    for name in names:
        with open(os.path.join(out, name), "wb") as f:
            f.write(z.read("onnxruntime/capi/" + name))
PYTHON
    tar -cz -C .gpu/providers $PROVIDERS | split -b 48M -d -a 1 --numeric-suffixes=1 - .gpu/part
    for part in .gpu/part*; do
      mkdir -p ".gpu/cuda${part#.gpu/part}"
      mv "$part" ".gpu/cuda${part#.gpu/part}/part"
    done
  fi
  rm -rf .gpu/made .gpu/list .gpu/wheel .gpu/providers
  du -sh .gpu/*
}

if [ "${1-}" = --pack ]; then
  pack "${2-}"
  exit
elif [ $# -gt 0 ]; then
  sed -n '2,6p' "${BASH_SOURCE[0]}"
  exit 2
fi

# --- time, results ---------------------------------------------------------------------------------------------------------

SECONDS=0
LIMIT=${MOKAPOT_GPU_LIMIT:-460}
OUT=${OUT:-$ROOT/gpu-check}
PACK=${MOKAPOT_GPU_PACK:-/tmp/gpu}
BACKENDS=${MOKAPOT_GPU_BACKENDS:-onnx-cuda onnx-webgpu tensorflow}
NETWORKS=${MOKAPOT_GPU_NETWORKS:-lenet fcn_alexnet unet_bn}
mkdir -p "$OUT"
for file in machine.txt doctor.txt bench.md bench.log summary.txt; do : >"$OUT/$file"; done
failed=0

say() { printf '[%3d s] %s\n' "$SECONDS" "$*" | tee -a "$OUT/summary.txt"; }

# limited SECONDS COMMAND...: within its own limit and the whole one; 124 where that ran out, 125 where no time was left.
limited() {
  local own=$1 left=$((LIMIT - SECONDS))
  shift
  [ "$left" -lt 10 ] && return 125
  timeout -k 5 "$((own < left ? own : left))" "$@"
}

# The last line of an output; of an error with its stack, the error.
gist() { local last; last=$(tail -n 1 "$1"); [[ $last =~ [[:alpha:]] ]] || last=$(grep -m 1 -E 'Error|error' "$1"); echo "$last"; }

# verdict CODE WHAT OUTPUT FILE: one line of the summary; what fails or does not end makes the exit code 1.
verdict() {
  case $1 in
    0) say "pass     $2: $(gist "$3")" ;;
    125) say "skipped  $2: no time was left" ;;
    124 | 137) say "FAILED   $2: not finished in time (see $4)"; failed=1 ;;
    *) say "FAILED   $2: $(gist "$3") (exit code $1, see $4)"; failed=1 ;;
  esac
}

# --- the machine -----------------------------------------------------------------------------------------------------------

unpack() { if command -v xz >/dev/null; then tar -xJf "$1"; else python3 -m tarfile -e "$1" .; fi; }
for folder in .gpu "$PACK"; do
  if [ ! -d node_modules/jiti ] && [ -f "$folder/base/base.tar.xz" ]; then
    unpack "$folder/base/base.tar.xz" && say "unpacked $folder/base"
  fi
  if [ -d "$ORT" ] && [ ! -f "$ORT/libonnxruntime_providers_cuda.so" ] && [ -f "$folder/cuda1/part" ]; then
    if cat "$folder"/cuda?/part | tar -xz -C "$ORT"; then
      say "unpacked $folder/cuda*"
    else
      rm -f "$ORT"/libonnxruntime_providers_*
      say "missing  a part of CUDA's library in $folder: it does not unpack"
    fi
  fi
done
# What the machine has goes first, what was packed fills in.
[ -x .gpu/made/bin/node ] && PATH=$PATH:$ROOT/.gpu/made/bin

if command -v nvidia-smi >/dev/null; then
  nvidia-smi >"$OUT/machine.txt" 2>&1
  gpu=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>&1)
  say "GPU      $gpu"
else
  say 'missing  GPU: there is no nvidia-smi'
fi
if ! command -v node >/dev/null; then
  say 'missing  Node.js: nothing of Mokapot can run. Pack it where there is one: scripts/gpu-check.sh --pack'
  exit 1
fi
say "Node.js  $(node --version), $(nproc) cores"
if [ ! -d node_modules ]; then
  say 'missing  node_modules: npm ci, or scripts/gpu-check.sh --pack where there is a network'
  exit 1
fi

python=${MOKAPOT_BENCH_PYTHON:-$(command -v python3)}
torch=
if [ -n "$python" ]; then
  torch=$(limited 90 "$python" -c 'import torch; print(torch.__version__, "cuda" if torch.cuda.is_available() else "cpu")' 2>/dev/null)
fi
say "PyTorch  ${torch:-missing: neither MOKAPOT_BENCH_PYTHON nor python3 has torch}"

# Libraries of CUDA and cuDNN that pip brought along with torch (first: torch is to have its own), and those of an installed toolkit.
libraries=
if [ -n "$torch" ]; then
  site=$("$python" -c 'import importlib.util, os; print(os.path.dirname(os.path.dirname(importlib.util.find_spec("torch").origin)))')
  libraries=$(ls -d "$site"/nvidia/*/lib 2>/dev/null | tr '\n' ' ')
fi
for folder in $libraries $(ls -d /usr/local/cuda/lib64 2>/dev/null); do LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder; done
if ! ldconfig -p 2>/dev/null | grep -q libvulkan.so.1; then
  for package in .gpu/made/libvulkan1*.deb; do
    [ -f "$package" ] && dpkg -x "$package" .gpu/made && LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$ROOT/.gpu/made/usr/lib/x86_64-linux-gnu
  done
  ls .gpu/made/usr/lib/x86_64-linux-gnu/libvulkan.so.1 >/dev/null 2>&1 || say 'missing  libvulkan.so.1, which onnx-webgpu needs: apt install libvulkan1'
fi
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH-}
icd=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
if [ -z "${VK_DRIVER_FILES-}${VK_ICD_FILENAMES-}" ] && [ -f $icd ] && ! ls {/usr/share,/etc}/vulkan/icd.d/nvidia_icd.json >/dev/null 2>&1; then
  export VK_DRIVER_FILES=$icd
fi

if [ ! -f "$ORT/libonnxruntime_providers_cuda.so" ]; then
  say "missing  $ORT/libonnxruntime_providers_cuda.so, which onnx-cuda needs (this script's head tells from where)"
else
  absent=$(ldd "$ORT/libonnxruntime_providers_cuda.so" 2>/dev/null | sed -n 's/^\s*\(\S*\) => not found.*/\1/p' | tr '\n' ' ')
  [ -n "$absent" ] && say "missing  libraries of CUDA that onnx-cuda needs: $absent"
fi
if [ ! -d "${MOKAPOT_TENSORFLOW:-.tensorflow}" ]; then say 'missing  .tensorflow: npm run tensorflow:build -- --gpu, where there is a network'; fi

# --- build, doctor ---------------------------------------------------------------------------------------------------------

if [ ! -f dist/src/cli/main.js ]; then
  limited 120 npm run --silent build >"$OUT/doctor.txt" 2>&1 || { say "FAILED   build: $(tail -n 1 "$OUT/doctor.txt")"; exit 1; }
  say 'built    dist'
fi
limited 120 node bin/mokapot doctor >"$OUT/doctor.txt" 2>&1
code=$?
grep -E '^(Used|It )' "$OUT/doctor.txt" | tr '\n' ' ' >"$OUT/part"
verdict $code doctor "$OUT/part" doctor.txt
# A line begins with a mark: ✓ for what is there.
available() { grep -qE "^ *✓ +$1 " "$OUT/doctor.txt"; }

# --- goldens ---------------------------------------------------------------------------------------------------------------

goldens() { for folder in shared/goldens ../shared/goldens test/goldens; do [ -d "$folder/$1" ] && { echo "$folder/$1"; return; }; done; }

check_backend() {
  local backend=$1 log=$OUT/$1.txt set folder code
  : >"$log"
  for set in layers forks; do
    folder=$(goldens $set)
    [ -z "$folder" ] && { say "missing  goldens/$set"; continue; }
    limited 120 node bin/mokapot verify "$folder" --backend "$backend" >"$OUT/part" 2>&1
    code=$?
    cat "$OUT/part" >>"$log"
    verdict $code "$set on $backend" "$OUT/part" "$backend.txt"
    # cuBLAS and cuDNN may round factors to 10 bits (TF32) unless told not to: is that the reason?
    if [ $code = 1 ] && [ "$backend" != onnx-webgpu ] && [ -z "${NVIDIA_TF32_OVERRIDE-}" ]; then
      NVIDIA_TF32_OVERRIDE=0 limited 120 node bin/mokapot verify "$folder" --backend "$backend" >"$OUT/part" 2>&1
      { echo; echo 'With NVIDIA_TF32_OVERRIDE=0:'; cat "$OUT/part"; } >>"$log"
      say "         the same with NVIDIA_TF32_OVERRIDE=0: $(tail -n 1 "$OUT/part")"
    fi
  done
  folder=$(goldens solvers)
  [ -z "$folder" ] && { say 'missing  goldens/solvers'; return; }
  limited 90 node_modules/.bin/jiti scripts/verify_solvers.ts "$folder" "$backend" >"$OUT/part" 2>&1
  code=$?
  cat "$OUT/part" >>"$log"
  verdict $code "solvers on $backend" "$OUT/part" "$backend.txt"
}

ran=
for backend in $BACKENDS; do
  if available "$backend"; then
    check_backend "$backend"
    ran="$ran,$backend"
  else
    reason=$(sed -n "s/^ *[^ ]* *$backend  *//p" "$OUT/doctor.txt" | head -n 1)
    say "missing  $backend: ${reason:-it was not asked}"
  fi
done
rm -f "$OUT/part"
[ -z "$ran" ] && say "missing  no golden was run: none of $BACKENDS loads"

# --- table -----------------------------------------------------------------------------------------------------------------

# All in full float32, as the goldens are.
export NVIDIA_TF32_OVERRIDE=${NVIDIA_TF32_OVERRIDE:-0}
engines=onnx
[ "$ran" != ,onnx ] && engines=$engines$ran
case $torch in
  *cuda) engines=$engines,pytorch-cuda ;;
  ?*) engines=$engines,pytorch ;;
esac
[ -n "$torch" ] && export MOKAPOT_BENCH_PYTHON=$python
for network in $NETWORKS; do
  limited 150 node_modules/.bin/jiti bench/compare.ts "$network" "$engines" 1 >"$OUT/table" 2>>"$OUT/bench.log"
  case $? in
    0)
      if ! grep -q '^|.* m\?s |' "$OUT/table"; then
        say "missing  the table of $network: nothing was measured (see bench.log)"
        continue
      fi
      if [ -s "$OUT/bench.md" ]; then grep '^|' "$OUT/table" | tail -n +3; else cat "$OUT/table"; fi >>"$OUT/bench.md"
      say "measured $network on $engines"
      ;;
    125) say "skipped  the table of $network: no time was left" ;;
    *) say "missing  the table of $network: not finished (see bench.log)" ;;
  esac
done
rm -f "$OUT/table"

echo
cat "$OUT/bench.md"
say "$([ $failed = 0 ] && echo 'All that could run passed.' || echo 'Something failed.') Results: $OUT"
exit $failed
