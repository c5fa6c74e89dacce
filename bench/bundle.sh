#!/usr/bin/env bash
# bundle.sh [--check] [OUT]: makes an archive that checks and measures a GPU on a machine without SDK or network.
#
#   bench/bundle.sh                  engine-gpu.tar.gz in this folder
#   bench/bundle.sh /tmp/x.tar.gz    there
#   bench/bundle.sh --check          makes one, unpacks it elsewhere, and runs it in an empty environment on PoCL, briefly
#
# On the machine with the GPU: tar xzf engine-gpu.tar.gz && engine-gpu/measure > report.txt
# The archive holds the .NET runtime, Engine.GpuBench, the test suites and the references they compare with. It is not
# trimmed: ILGPU finds what it compiles by reflection, and a trimmed build fails when it makes its first context.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
most=$((60 * 1000 * 1000))
suites="Tensors Autograd Optim Models Gpu"

check=
if [ "${1:-}" = --check ]; then check=yes; shift; fi
case "${1:-}" in -*) echo "usage: bundle.sh [--check] [OUT]" >&2; exit 2 ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=${1:-engine-gpu.tar.gz}
[ -z "$check" ] || archive=${1:-$work/engine-gpu.tar.gz}
mkdir -p "$(dirname "$archive")"
archive=$(cd "$(dirname "$archive")" && pwd)/$(basename "$archive")

# All programs share one folder and one runtime. They are built out of the tree, whose own builds stay as they are.
top=$work/engine-gpu
publish() {
  dotnet publish -c Release -r linux-x64 --self-contained -v q --artifacts-path "$work/build" -o "$top/app" \
    -p:DebugType=none -p:GenerateDocumentationFile=false -p:EnforceCodeStyleInBuild=false -p:SatelliteResourceLanguages=en "$1"
}
for suite in $suites; do publish "$repository/tests/Engine.$suite.Tests"; done
publish "$repository/bench/Engine.GpuBench"

# What no program here needs: debuggers' parts of the runtime, its other garbage collectors, parts of the framework, and what
# `dotnet test` brings along (coverage, its translations, libraries of other processors).
(
  cd "$top/app"
  rm -rf createdump libmscordaccore.so libmscordbi.so libclrgc.so libclrgcexp.so libcoreclrtraceptprovider.so ./*.xml ./*.pdb
  rm -rf System.Data.*.dll System.Private.DataContractSerialization.dll System.Linq.AsyncEnumerable.dll System.Threading.Tasks.Dataflow.dll \
    System.Net.Quic.dll System.Net.HttpListener.dll System.Net.WebSockets*.dll System.Transactions*.dll Microsoft.VisualBasic*.dll
  rm -rf CodeCoverage Microsoft.CodeCoverage.* Microsoft.VisualStudio.*.dll Microsoft.TestPlatform.*.dll Microsoft.DiaSymReader.dll \
    Microsoft.ApplicationInsights.dll Mono.Cecil*.dll xunit.runner.visualstudio.testadapter.dll testhost*
  find . -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
)
mkdir "$top/fixtures"
for folder in io models ops optim text; do cp -r "$repository/tests/Fixtures/$folder" "$top/fixtures"; done
cp "$repository/LICENSE" "$top"
cat >"$top/measure" <<'EOF'
#!/bin/sh
# measure [OPTION...]: checks this machine's GPU, then measures it; --help lists the options.
here=$(cd "$(dirname "$0")" && pwd)
ENGINE_FIXTURES="$here/fixtures" exec "$here/app/Engine.GpuBench" "$@"
EOF
chmod +x "$top/measure"
tar -C "$work" -c --owner=0 --group=0 --sort=name engine-gpu | gzip -9 >"$archive"

size=$(stat -c %s "$archive")
echo "$archive: $((size / 1000000)) MB, $(find "$top" -type f | wc -l) files, unpacked $(du -sm "$top" | cut -f1) MB"
[ "$size" -lt "$most" ] || { echo "that is more than 60 MB" >&2; exit 1; }
[ -n "$check" ] || exit 0

# Another folder, nothing in the environment, no SDK: what the archive does not hold is not there.
other=$(mktemp -d /tmp/engine-gpu-check-XXXXXX)
trap 'rm -rf "$work" "$other"' EXIT
tar -C "$other" -xzf "$archive"
cd "$other"
"$repository/.ci/with-opencl" env -i HOME="$other" PATH=/usr/bin:/bin "$other/engine-gpu/measure" --device opencl --rounds 3 --only 512
