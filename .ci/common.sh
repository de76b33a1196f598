# Sourced by the scripts beside it: the interpreters, and what is done with one.
set -euo pipefail
export CI=true
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step() { printf '\n== %s (after %s s)\n' "$1" "$SECONDS"; }

# The command of a Python of that version, on PATH or of pyenv.
find_python() {
  local each
  for each in "python$1" python3 \
    "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    if "$each" -c "import ensurepip, sys, venv
sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
      echo "$each"
      return
    fi
  done
  return 1
}

found=()
missing=()
for version in 3.11 3.12 3.13; do
  if find_python "$version" >/dev/null; then
    found+=("$version")
  else
    missing+=("$version")
  fi
done
if [ ${#found[@]} -eq 0 ]; then
  echo "no Python of ${missing[*]} with venv; allowed: one of them" >&2
  exit 1
fi
echo "Python found: ${found[*]}; not found: ${missing[*]:-none}"

# make_environment VERSION FOLDER ARGUMENT...: a virtual environment with what
# pip installs for the arguments, and nothing that does not fit together.
make_environment() {
  "$(find_python "$1")" -m venv "$2"
  "$2/bin/pip" install --quiet --disable-pip-version-check "${@:3}"
  "$2/bin/pip" check
}

check_style() {
  "$1/bin/ruff" format --check .
  "$1/bin/ruff" check .
  "$1/bin/mypy"
}

# install_wheel VERSION: the wheel, in an empty environment.
install_wheel() {
  if [ ! -d "$work/wheels" ]; then
    # Of a copy: setuptools writes beside what it builds.
    mkdir -p "$work/source/saved_models"
    cp -R keras_textgen flags setup.py pyproject.toml MANIFEST.in README.md \
      LICENSE "$work/source"
    cp -R saved_models/presets "$work/source/saved_models"
    "$(find_python "$1")" -m venv "$work/builder"
    "$work/builder/bin/pip" wheel --quiet --disable-pip-version-check \
      --no-deps --wheel-dir "$work/wheels" "$work/source"
  fi
  make_environment "$1" "$work/wheel-$1" "$work"/wheels/*.whl
}

# check_wheel VERSION: what is installed, run in an empty folder: a short real
# training, a second start, a refusal.
check_wheel() {
  local bin="$work/wheel-$1/bin" here="$work/empty-$1" ci="$PWD/.ci"
  mkdir "$here"
  pushd "$here" >/dev/null
  local small=(--epochs=1 --embedding_dim=32 --rnn_units=64 --batch_size=128
    --max_length=15 --importance_samples=2)
  "$bin/keras-textgen" --version
  "$bin/keras-textgen" --helpshort | grep "usage: keras-textgen"
  "$bin/keras-textgen" --mode=generate --preset=hdgm_sotu
  "$bin/keras-textgen" "${small[@]}" | tee "$work/log"
  "$bin/python" "$ci/check_run.py" saved_models/hdgm_sotu "$work/log"
  "$bin/python" -m keras_textgen "${small[@]}" | grep "The one epoch is done"
  local status=0
  "$bin/keras-textgen" --model=unknown || status=$?
  test "$status" -eq 2
  popd >/dev/null
}
