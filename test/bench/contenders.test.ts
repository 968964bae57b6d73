/**
 * @file Networks that benchmarks write for other runtimes are the same networks. LiteRT.js is given the
 * globals of a page, so that each test has a process of its own.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { compiled, root } from '../cli/cli.ts'

beforeAll(compiled, 180_000)

/** What a module prints, as JSON. */
async function printed(code: string): Promise<unknown> {
  const args = ['--input-type=module', '-e', code]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 2 ** 26 })
  return JSON.parse(stdout.split('\n').at(-2)!)
}

it('a .tflite file, its weights encoded or not, computes the same logits in LiteRT.js', {
  timeout: 120_000,
}, async () => {
  const code = `
    import { sparseInference } from './bench/espalier.mjs'
    import { apart } from './bench/inference.mjs'
    import { onLiteRt, pairsCase, tfliteOf } from './bench/depthwise-pairs.mjs'
    const found = []
    for (const sparsity of [0, 0.9]) {
      const given = pairsCase(sparsity)
      const own = await sparseInference(given, { engine: 'wasm' }, 'auto')
      const [ours, theirs] = [own.infer(), await (await onLiteRt(given, [])).infer()]
      found.push({ bytes: tfliteOf(given).length, difference: apart(ours, theirs), largest: Math.max(...ours.map(Math.abs)) })
    }
    console.log(JSON.stringify(found))
    process.exit(0)`
  const [dense, encoded] = (await printed(code)) as { bytes: number; difference: number; largest: number }[]
  for (const { difference, largest } of [dense, encoded]) {
    expect(largest).toBeGreaterThan(0.01)
    expect(difference).toBeLessThan(1e-5)
  }
  // A tenth of the weights of 1x1 convolutions, with a place of 4 bytes each.
  expect(dense.bytes - encoded.bytes).toBeGreaterThan(0.75 * 4 * 6 * 256 * 256)
})

it('a quantized model: int8 weights with a scale per output, logits a few percent off', {
  timeout: 120_000,
}, async () => {
  const code = `
    import { fromBinary } from '@bufbuild/protobuf'
    import { ModelProtoSchema, TensorProto_DataType as DataType } from 'onnx-buf'
    import { apart } from './bench/inference.mjs'
    import { inferenceCase } from './bench/inference-case.mjs'
    import { onnxRuntime } from './bench/onnxruntime.mjs'
    import { quantizedBytes } from './bench/quantize.mjs'
    const given = inferenceCase('resnet20', 1)
    const bytes = await quantizedBytes(given)
    const { initializer } = fromBinary(ModelProtoSchema, bytes).graph
    const weights = initializer.filter(({ dataType, dims }) => dataType === DataType.INT8 && dims.length > 1)
    const largest = weights.flatMap(({ dims, rawData }) => {
      const inner = rawData.length / Number(dims[0])
      const rows = Array.from({ length: Number(dims[0]) }, (_, o) => new Int8Array(rawData.slice(o * inner, (o + 1) * inner)))
      return rows.map((row) => Math.max(...row.map(Math.abs)))
    })
    const [floats, integers] = [await onnxRuntime(given, 1, []), await onnxRuntime(given, 1, [], bytes)]
    const difference = apart(await floats.infer(), await integers.infer())
    console.log(JSON.stringify({ tensors: weights.length, largest: [...new Set(largest)], difference }))
    process.exit(0)`
  const { tensors, largest, difference } = (await printed(code)) as {
    tensors: number
    largest: number[]
    difference: number
  }
  expect([tensors, largest]).toEqual([22, [127]])
  expect(difference).toBeGreaterThan(1e-4)
  expect(difference).toBeLessThan(0.05)
})

it('zeros by blocks are in the same places for so many outputs, and as many as without', async () => {
  const code = `
    import { inferenceCase } from './bench/inference-case.mjs'
    const of = (outputs) => inferenceCase('mlpnet', 1, { sparsity: 0.8, pruned: /fc1.weight/, outputs }).weights.get('fc1.weight')
    const inner = 784
    const [single, blocks] = [of(1), of(4)]
    const same = (list) => list.filter((w, i) => (w === 0) === (list[Math.floor(i / inner / 4) * 4 * inner + (i % inner)] === 0)).length / list.length
    const zeros = (list) => list.filter((w) => w === 0).length / list.length
    console.log(JSON.stringify([single, blocks].map((list) => [same(list), zeros(list)])))`
  const [single, blocks] = (await printed(code)) as [number, number][]
  expect(blocks[0]).toBe(1)
  expect(single[0]).toBeLessThan(0.9)
  for (const [, zeros] of [single, blocks]) expect(zeros).toBeCloseTo(0.8, 1)
})
