/** @file TensorFlow Lite files that espalier convert and espalier prune write. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { inferenceGraph, onnxBytes } from '../../src/formats/onnx/export.ts'
import { storeFloats, toFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { findModel } from '../../src/models/index.ts'
import { randomNetwork } from '../formats/onnx/built-in.ts'
import { farthest, randomImages } from '../formats/onnx/images.ts'
import { modelBytes } from '../formats/onnx/models.ts'
import { channelsLast } from '../formats/tflite/written.ts'
import { onLiteRt } from '../support/litert.ts'
import { runModel } from '../support/onnx.ts'
import { espalier } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** Weights of a built-in network, and its ONNX model. */
function network(name: string) {
  const folder = temporaryFolder()
  const { model, values, proto } = randomNetwork(name)
  const shapes = new Map(
    inferenceGraph(findModel(name))
      .stored()
      .map((tensor) => [tensor.name, tensor.shape]),
  )
  const tensors = new Map([...values].map(([key, list]) => [key, storeFloats(list, shapes.get(key)!)]))
  const [path, onnx] = [join(folder, 'weights.safetensors'), join(folder, 'model.onnx')]
  writeSafetensors(path, { tensors, metadata: { model: name, note: 'made for a test' } })
  writeFileSync(onnx, onnxBytes(proto))
  return { folder, path, onnx, model, proto, tensors }
}

async function json(...args: string[]) {
  const { code, stdout, stderr } = await espalier([...args, '--json'])
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('espalier:')])
  return JSON.parse(stdout)
}

it('convert: weights and ONNX models, float32, halves and batches; LiteRT computes the logits', async () => {
  const { folder, path, onnx, model, proto } = network('lenet-5')
  const out = (name: string) => join(folder, `${name}.tflite`)
  const whole = await json('convert', path, out('whole'))
  const half = await json('convert', path, out('half'), '--dtype', 'float16')
  const three = await json('convert', onnx, out('three'), '--batch', '3')
  expect(whole).toMatchObject({
    from: path,
    to: out('whole'),
    bytes: readFileSync(out('whole')).length,
    operators: { CONV_2D: 2, MAX_POOL_2D: 2, RESHAPE: 1, FULLY_CONNECTED: 2 },
    inputs: { images: [1, 28, 28, 1] },
    outputs: { logits: [1, 10] },
    encoded: { tensors: 0, bytes: 0, skipped: false },
    notes: [],
  })
  expect(three).toMatchObject({ inputs: { images: [3, 28, 28, 1] }, outputs: { logits: [3, 10] } })
  expect(half.bytes / whole.bytes).toBeLessThan(0.52)
  expect(half.values).toEqual(whole.values)
  const files = ['whole', 'half', 'three'].map((name) => readFileSync(out(name)))
  // What is known of the network lies in the file as text.
  expect(files[0].includes('made for a test')).toBe(true)
  const jobs = files.map((bytes, i) => {
    const { images, shape } = randomImages(model, i === 2 ? 3 : 1)
    const [n, c, h, w] = shape
    return { bytes, images, shape, inputs: [{ shape: [n, h, w, c], values: channelsLast(images, shape) }] }
  })
  const results = await onLiteRt(jobs)
  for (const [i, { images, shape }] of jobs.entries()) {
    const expected = await runModel(onnxBytes(proto), new Map([['images', { shape, values: images }]]))
    expect(farthest(results[i].outputs[0].values, expected.get('logits')!)).toBeLessThan(i === 1 ? 1e-2 : 1e-4)
  }
})

it('convert says what it wrote', async () => {
  const { folder, path } = network('lenet-300-100')
  const out = join(folder, 'net.tflite')
  const { code, stdout } = await espalier(['convert', path, out])
  expect(code).toBe(0)
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^\d+ of 266,610 stored values of the file are zero/),
    'from images [1, 28, 28, 1] to logits [1, 10]; outputs were not compared: TensorFlow Lite files do not run here',
    expect.stringMatching(/^The network is in .*net\.tflite \(1\.07 MB\)$/),
    '',
  ])
})

it('prune by value, of weights and of ONNX models: the zeros are in the file', async () => {
  const { folder, path, onnx, tensors } = network('mobilenet-v1-cifar')
  const size = [...tensors.values()].reduce((sum, tensor) => sum + toFloats(tensor).length, 0)
  for (const from of [path, onnx]) {
    const out = join(folder, 'pruned.tflite')
    const found = await json('prune', from, '--method', 'magnitude', '--sparsity', '0.9', '-o', out, '--force')
    expect(found.bytes).toBe(readFileSync(out).length)
    expect(found.values.zeros / found.values.size).toBeGreaterThan(0.8)
    expect(found.values.size).toBeLessThan(size)
    expect(found.encoded.tensors).toBeGreaterThan(5)
    expect(found.operators.DENSIFY).toBe(found.encoded.tensors)
    // Its first layer has no stride.
    expect(found.encoded.skipped).toBe(false)
    expect(found.notes).toEqual([
      'XNNPACK does not skip zeros here: expected a 3x3 convolution over 3 channels with stride 2 and padding 1, found none',
    ])
    expect(found.after.sparsity).toBeCloseTo(0.9, 2)
  }
})

it.each([
  [['--sparse'], 'sparse is for ONNX models, expected a name that ends in .onnx'],
  [['--compact'], 'compact is for ONNX models, expected a name that ends in .onnx'],
])('convert %s is refused', async (flags, reason) => {
  const { folder, path } = network('mlpnet')
  const out = join(folder, 'net.tflite')
  const { code, stderr } = await espalier(['convert', path, out, ...flags])
  expect([code, stderr]).toEqual([1, `espalier: ${out}: ${reason}\n`])
  expect(existsSync(out)).toBe(false)
})

it('what cannot be written leaves what was there, and nothing else', async () => {
  const folder = temporaryFolder()
  const [from, out] = [join(folder, 'model.onnx'), join(folder, 'net.tflite')]
  const erf = { inputs: { x: ['N', 4] }, steps: [{ op: 'Erf', in: ['x'], out: 'y', name: 'bell' }], outputs: ['y'] }
  writeFileSync(from, modelBytes(erf))
  writeFileSync(out, 'before')
  const { code, stderr } = await espalier(['convert', from, out, '--force'])
  const sentence = `${out}: node bell (Erf) needs the operator Erf, which TensorFlow Lite has not`
  expect([code, stderr]).toEqual([1, `espalier: ${sentence}\n`])
  expect(readFileSync(out, 'utf8')).toBe('before')
  expect(readdirSync(folder).sort()).toEqual(['model.onnx', 'net.tflite'])
})

it('--only-output writes that output, whatever the others need', async () => {
  const folder = temporaryFolder()
  const [from, out] = [join(folder, 'model.onnx'), join(folder, 'net.tflite')]
  const steps = [
    { op: 'Relu', in: ['x'], out: 'y' },
    { op: 'Erf', in: ['y'], out: 'z' },
  ]
  writeFileSync(from, modelBytes({ inputs: { x: ['N', 4] }, steps, outputs: ['z', 'y'] }))
  expect(await json('convert', from, out, '--only-output', 'y')).toMatchObject({
    operators: { RELU: 1 },
    outputs: { y: [1, 4] },
  })
  const [{ outputs }] = await onLiteRt([
    { bytes: readFileSync(out), inputs: [{ shape: [1, 4], values: [-1, 2, -3, 4] }] },
  ])
  expect(outputs[0].values).toEqual([0, 2, 0, 4])
})

it('prune with data says before it prunes that a network cannot be written', async () => {
  const { folder } = network('mlpnet')
  const from = join(folder, 'erf.onnx')
  const w = { shape: [784, 10], values: Array.from({ length: 7840 }, (_, i) => Math.sin(i)) }
  const steps = [
    { op: 'MatMul', in: ['x', 'w'], out: 'z' },
    { op: 'Erf', in: ['z'], out: 'y', name: 'bell' },
  ]
  writeFileSync(from, modelBytes({ inputs: { x: ['N', 784] }, stored: { w }, steps, outputs: ['y'] }))
  const out = join(folder, 'net.tflite')
  const flags = ['--method', 'magnitude', '--sparsity', '0.5', '--data', join(folder, 'missing'), '-o', out]
  const { code, stderr } = await espalier(['prune', from, ...flags])
  expect(code).toBe(1)
  expect(stderr.split('\n').at(-2)).toBe(
    `espalier: ${out}: node bell (Erf) needs the operator Erf, which TensorFlow Lite has not`,
  )
})
