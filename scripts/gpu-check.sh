#!/usr/bin/env bash
# What this build does on a graphics card, in under eight minutes: which adapter there is, the tests of kernels
# and of training on it, and the table of npm run bench webgpu, which goes to the file named, or to
# build/bench-webgpu.md. Installs nothing: it needs node_modules (npm ci) and a driver for Vulkan, Metal or
# Direct3D 12.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-build/bench-webgpu.md}

[ -d node_modules/webgpu ] || { echo "node_modules is missing: npm ci installs it"; exit 1; }
[ -f dist/index.js ] || npx tsc -p tsconfig.build.json
mkdir -p "$(dirname "$out")"
node --input-type=module -e '
  const { openMachine } = await import("./dist/engine/machines/open.js")
  const { description } = await openMachine({ engine: "webgpu", threads: 1 }).catch(({ message }) => {
    console.error(message)
    process.exit(1)
  })
  console.log(description)
'
timeout 240 node scripts/test-webgpu.mjs || echo "the tests failed, or took more than four minutes"
timeout 230 node bench/run.mjs webgpu "$out" || echo "not all was measured in four minutes: $out has what was"
