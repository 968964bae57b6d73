#!/usr/bin/env bash
# Guessed: a model with a sparse initializer, which the ONNX format has since version 6 of the file format, loads wherever ONNX Runtime runs, whatever
#          the entry of its web package, and in the other tools of npm that read ONNX models.
# Seen:    of one version of onnxruntime-web the entries `.` (with the WebAssembly and the WebGPU provider) and `/wasm` compute the right result, while `/webgpu` says that
#          the weight is no input, initializer or output of a node, and `/webgl` that it is unrecognized; onnxsim says that it is undefined, @jax-js/onnx that such
#          tensors are not supported.
# Versions: onnxruntime-web 1.30.0, onnxsim 0.7.3, @jax-js/onnx 0.1.2, onnx-buf 1.20.0-1; Debian's chromium (CHROMIUM names another), Node 20.
# Fails where any of that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --ignore-scripts onnxruntime-web@1.30.0 onnxsim@0.7.3 @jax-js/onnx@0.1.2 onnx-buf@1.20.0-1 \
  @bufbuild/protobuf@2.17.0 playwright-core@1.65.1

cat >model.mjs <<'JS'
import { writeFileSync } from 'node:fs'
import { create, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'

// y = x w, where w [4, 3] holds a 1 and a 2.
const info = (name, ...dims) => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: { elemType: 1, shape: { dim: dims.map((n) => ({ value: { case: 'dimValue', value: BigInt(n) } })) } },
    },
  },
})
const model = create(ModelProtoSchema, {
  irVersion: 8n,
  opsetImport: [{ domain: '', version: 17n }],
  graph: {
    name: 'graph',
    input: [info('x', 1, 4)],
    output: [info('y', 1, 3)],
    node: [{ opType: 'MatMul', input: ['x', 'w'], output: ['y'] }],
    sparseInitializer: [
      {
        values: { name: 'w', dataType: 1, dims: [2n], floatData: [1, 2] },
        indices: { dataType: 7, dims: [2n], int64Data: [0n, 5n] },
        dims: [4n, 3n],
      },
    ],
  },
})
writeFileSync('model.onnx', toBinary(ModelProtoSchema, model))
JS
node model.mjs

cat >tools.mjs <<'JS'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { ONNXModel } from '@jax-js/onnx'
import { simplify } from 'onnxsim'

const bytes = readFileSync('model.onnx')
assert.throws(() => new ONNXModel(bytes), /sparse initializers are not supported/)
await assert.rejects(async () => simplify(bytes), /simplify failed/)
process.exit(0)
JS
node tools.mjs 2>tools.log
grep -q 'Input w is undefined' tools.log

cat >page.mjs <<'JS'
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

const types = { mjs: 'text/javascript', wasm: 'application/wasm' }
const server = createServer(async ({ url }, answer) => {
  const { pathname } = new URL(url, 'http://page')
  answer.setHeader('content-type', types[pathname.split('.').pop()] ?? 'text/html')
  if (pathname === '/') return answer.end('<p></p>')
  answer.end(await readFile(`.${pathname}`).catch(() => ''))
}).listen(0, '127.0.0.1')
await new Promise((listening) => server.once('listening', listening))
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'],
})
const page = await browser.newPage()
await page.goto(`http://127.0.0.1:${server.address().port}/`)
const result = (file, provider) =>
  page.evaluate(
    async ([file, provider]) => {
      try {
        const ort = await import(`/node_modules/onnxruntime-web/dist/${file}`)
        ort.env.wasm.numThreads = 1
        const bytes = new Uint8Array(await (await fetch('/model.onnx')).arrayBuffer())
        const session = await ort.InferenceSession.create(bytes, { executionProviders: [provider] })
        const { y } = await session.run({ x: new ort.Tensor('float32', [1, 2, 3, 4], [1, 4]) })
        return String([...(await y.getData())])
      } catch (error) {
        return error.message
      }
    },
    [file, provider],
  )
assert.equal(await result('ort.wasm.min.mjs', 'wasm'), '1,0,4')
assert.equal(await result('ort.min.mjs', 'webgpu'), '1,0,4')
assert.match(await result('ort.webgpu.min.mjs', 'webgpu'), /Node input 'w' is not a graph input, initializer/)
assert.match(await result('ort.webgl.min.mjs', 'webgl'), /unrecognized input 'w' for node/)
await browser.close()
server.close()
JS
node page.mjs
echo 'as seen'
