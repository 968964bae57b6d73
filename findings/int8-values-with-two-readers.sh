#!/usr/bin/env bash
# Guessed: of a quantized residual block in QDQ form ONNX Runtime computes all convolutions in whole numbers, whether its values are uint8 or int8, which are the same
#          grids 128 apart; the documentation of its quantization tools names int8 as the usual type.
# Seen:    on x86, with uint8 values the graph that it runs has QLinearConv and QLinearAdd alone. With int8 values it makes those values uint8 that have one reader
#          each, and leaves the value that both the next convolution and the sum read as int8: the convolution before it, and the one and the sum that read it, then
#          see two types, and stay Conv and Add in floats between DequantizeLinear. Without the sum, all are QLinearConv with int8, too.
# Versions: onnxruntime-node 1.30.0 (CPU, x64, graphOptimizationLevel all), onnx-buf 1.20.0-1, Node 20.
# Fails where any of that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --ignore-scripts onnxruntime-node@1.30.0 onnx-buf@1.20.0-1 @bufbuild/protobuf@2.17.0

cat >count.mjs <<'JS'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import ort from 'onnxruntime-node'

const info = (name) => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: { elemType: 1, shape: { dim: [1, 8, 6, 6].map((n) => ({ value: { case: 'dimValue', value: BigInt(n) } })) } },
    },
  },
})

/** x -> convolution -> a -> convolution -> b, with y = a + b or y = b; every value rounded with one grid. */
function model(type, sum) {
  const zero = type === 'uint8' ? 128 : 0
  const point = { name: 'zero', dataType: type === 'uint8' ? 2 : 3, dims: [], rawData: Uint8Array.of(zero) }
  const scalar = (name, value) => ({ name, dataType: 1, dims: [], rawData: new Uint8Array(Float32Array.of(value).buffer) })
  const codes = Uint8Array.from({ length: 64 * 9 }, (_, i) => ((i * 37) % 255) & 255)
  const weight = { name: 'codes', dataType: 3, dims: [8n, 8n, 3n, 3n], rawData: codes }
  const bias = { name: 'bias', dataType: 6, dims: [8n], rawData: new Uint8Array(Int32Array.from([1, 2, 3, 4, 5, 6, 7, 8]).buffer) }
  const rounded = (name) => [
    { opType: 'QuantizeLinear', input: [name, 'scale', 'zero'], output: [`${name}_codes`] },
    { opType: 'DequantizeLinear', input: [`${name}_codes`, 'scale', 'zero'], output: [`${name}_rounded`] },
  ]
  const convolution = (x, y) => [
    { opType: 'DequantizeLinear', input: ['codes', 'step', 'none'], output: [`${y}_weight`] },
    { opType: 'DequantizeLinear', input: ['bias', 'product'], output: [`${y}_bias`] },
    {
      opType: 'Conv',
      input: [x, `${y}_weight`, `${y}_bias`],
      output: [y],
      attribute: [{ name: 'pads', type: 7, ints: [1n, 1n, 1n, 1n] }],
    },
    ...rounded(y),
  ]
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: 17n }],
      graph: {
        name: 'block',
        input: [info('x')],
        output: [info(sum ? 'y_rounded' : 'b_rounded')],
        initializer: [
          scalar('scale', 0.05),
          scalar('step', 0.01),
          scalar('product', 0.05 * 0.01),
          point,
          { name: 'none', dataType: 3, dims: [], rawData: Uint8Array.of(0) },
          weight,
          bias,
        ],
        node: [
          ...rounded('x'),
          ...convolution('x_rounded', 'a'),
          ...convolution('a_rounded', 'b'),
          ...(sum ? [{ opType: 'Add', input: ['b_rounded', 'a_rounded'], output: ['y'] }, ...rounded('y')] : []),
        ],
      },
    }),
  )
}

async function counts(type, sum) {
  await ort.InferenceSession.create(model(type, sum), {
    optimizedModelFilePath: 'seen.onnx',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  })
  const seen = {}
  for (const { opType } of fromBinary(ModelProtoSchema, readFileSync('seen.onnx')).graph.node)
    seen[opType] = (seen[opType] ?? 0) + 1
  return seen
}

const whole = await counts('uint8', true)
assert.deepEqual([whole.QLinearConv, whole.QLinearAdd, whole.Conv, whole.Add], [2, 1, undefined, undefined])
const mixed = await counts('int8', true)
console.log(mixed)
assert.deepEqual([mixed.QLinearConv, mixed.QLinearAdd, mixed.Conv, mixed.Add], [undefined, undefined, 2, 1])
const chain = await counts('int8', false)
assert.deepEqual([chain.QLinearConv, chain.Conv], [2, undefined])
JS
node count.mjs
echo 'as seen'
