#!/usr/bin/env bash
# Build the image from this tree, on bases made here of Debian's packages: needs root, buildah and mmdebstrap.
#   build.sh [FOLDER]     FOLDER keeps bases, layers and image: $IMAGE_FOLDER, or below ~/.cache
# Prints the image's id. A tree that was built before costs seconds.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder="${1:-${IMAGE_FOLDER:-$HOME/.cache/mission-control/image}}"
suite=bookworm  # its python3 is 3.11
mkdir -p "$folder"
exec 9> "$folder/lock"
flock 9

# Each tree leaves about six layers, whole copies: begin anew before they fill the disk.
if (( $(find "$folder/storage/vfs/dir" -mindepth 1 -maxdepth 1 2> /dev/null | wc -l) > 40 )); then
  rm -rf "$folder/storage" "$folder/run"
fi
store=(--root "$folder/storage" --runroot "$folder/run" --storage-driver vfs)
build() { buildah "${store[@]}" bud --isolation chroot --quiet "$@"; }

# One base runs: packages' files and nothing that installs, no shell. The other one builds.
base() {  # NAME VARIANT PACKAGES
  local from="$folder/$1" name="localhost/mission-control-$1"
  if [[ ! -f $from/base.tar ]]; then
    local sources=/etc/apt/sources.list.d/debian.sources
    mkdir -p "$from"
    # After a power cut it is made anew, so nothing has to wait for the disk.
    mmdebstrap --quiet --variant="$2" --include="$3" --aptopt='Acquire::Languages "none"' \
      --dpkgopt=force-unsafe-io "$suite" "$from/part.tar" $([[ -f $sources ]] && echo "$sources") >&2
    mv "$from/part.tar" "$from/base.tar"
    printf 'FROM scratch\nADD base.tar /\n' > "$from/Dockerfile"
  fi
  if ! buildah "${store[@]}" images --quiet "$name" > /dev/null 2>&1; then
    build --tag "$name" "$from" >&2
  fi
  printf '%s@%s' "$name" "$(buildah "${store[@]}" images --format '{{.Digest}}' "$name")"
}

secrets="$(mktemp -d)"
trap 'rm -rf "$secrets"' EXIT
python=.venv/bin/python
"$python" tests/image/index_settings.py "$secrets"
runtime="$(base runtime extract python3,ca-certificates,tzdata)"
builder="$(base builder essential python3-venv,ca-certificates)"
build --layers --tag mission-control --build-arg BASE="$runtime" --build-arg BUILD_BASE="$builder" \
  --label org.opencontainers.image.version="$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" \
  --label org.opencontainers.image.revision="$(git rev-parse HEAD)" \
  --secret id=pip.conf,src="$secrets/pip.conf" --secret id=ca.pem,src="$secrets/ca.pem" .
