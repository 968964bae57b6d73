import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { readWeights } from '../../../src/formats/weights-file.ts'
import { SparseModel } from '../../../src/infer/sparse-model.ts'
import { best } from '../../support/engines.ts'
import { runModel } from '../../support/onnx.ts'
import { type Step, type Written, written } from './build.ts'
import { farthest } from './images.ts'
import { normal } from './same.ts'

const floats = (shape: readonly number[], seed: string) => ({ shape, values: normal(shape, seed) })
const whole = (...values: number[]) => ({ shape: [values.length], values, whole: true })

const stored: Written['stored'] = {
  zero: whole(0),
  one: whole(1),
  two: whole(2),
  far: whole(1000),
  rows: whole(-1, 6),
  back: whole(-1, 4, 6),
  heads: whole(0, 4, 2, 3),
  joined: whole(0, 4, 6),
  first: { shape: [], values: [0], whole: true },
  w: floats([6, 6], 'w'),
  k: floats([4, 4, 1], 'k'),
  scale: floats([4], 's'),
}

const gemm: Step[] = [
  { op: 'Reshape', inputs: ['x', 'rows'], output: 'r' },
  { op: 'MatMul', inputs: ['r', 'w'], output: 'p' },
  { op: 'Reshape', inputs: ['p', 'back'] },
]
const softmaxFirst: Step[] = [
  { op: 'Transpose', inputs: ['x'], output: 't', attributes: { perm: [1, 0, 2] } },
  { op: 'Softmax', inputs: ['t'], output: 's', attributes: { axis: 1 } },
  { op: 'Transpose', inputs: ['s'], attributes: { perm: [1, 0, 2] } },
]

/** Samples, [4, 6] each, mixed by the node v. */
const mixed: Record<string, [op: string, steps: Step[], input?: readonly number[]]> = {
  'a mean over samples': [
    'ReduceMean',
    [
      { op: 'ReduceMean', inputs: ['x'], output: 'v', attributes: { axes: [0] } },
      { op: 'Sub', inputs: ['x', 'v'] },
    ],
  ],
  'a mean over the samples of rows': [
    'ReduceMean',
    [
      { op: 'ReduceMean', inputs: ['x'], output: 'v', attributes: { axes: [0] } },
      { op: 'Sub', inputs: ['x', 'v'] },
    ],
    [-1, 6],
  ],
  'the largest of all values': [
    'ReduceMax',
    [
      { op: 'ReduceMax', inputs: ['x'], output: 'v' },
      { op: 'Div', inputs: ['x', 'v'] },
    ],
  ],
  'a product with all other samples': [
    'MatMul',
    [
      { op: 'Transpose', inputs: ['x'], output: 't', attributes: { perm: [1, 0] } },
      { op: 'MatMul', inputs: ['x', 't'], output: 'v' },
      { op: 'MatMul', inputs: ['v', 'x'] },
    ],
    [-1, 6],
  ],
  'a softmax over samples': ['Softmax', [{ op: 'Softmax', inputs: ['x'], output: 'v', attributes: { axis: 0 } }]],
  'attention over samples instead of places': [
    'Softmax',
    softmaxFirst
      .map((step) => (step.op === 'Softmax' ? { ...step, output: 'v' } : step))
      .with(2, {
        op: 'Transpose',
        inputs: ['v'],
        attributes: { perm: [1, 0, 2] },
      }),
  ],
  'the first sample, taken from all': [
    'Gather',
    [
      { op: 'Gather', inputs: ['x', 'zero'], output: 'v' },
      { op: 'Add', inputs: ['x', 'v'] },
    ],
  ],
  'sums that run on from sample to sample': ['CumSum', [{ op: 'CumSum', inputs: ['x', 'first'], output: 'v' }]],
  'the largest samples of each place': [
    'TopK',
    [
      { op: 'TopK', inputs: ['x', 'one'], outputs: ['v', 'at'], attributes: { axis: 0 } },
      { op: 'Mul', inputs: ['x', 'v'] },
    ],
  ],
}

const apart: Record<string, Step[]> = {
  'rows of all samples, multiplied': gemm,
  'a softmax of samples that lie on axis 1': softmaxFirst.with(1, {
    op: 'Softmax',
    inputs: ['t'],
    output: 's',
    attributes: { axis: 0 },
  }),
  'attention of heads': [
    { op: 'Reshape', inputs: ['x', 'heads'], output: 'h' },
    { op: 'Transpose', inputs: ['h'], output: 'q', attributes: { perm: [0, 2, 1, 3] } },
    { op: 'Transpose', inputs: ['h'], output: 'k2', attributes: { perm: [0, 2, 3, 1] } },
    { op: 'MatMul', inputs: ['q', 'k2'], output: 's' },
    { op: 'Softmax', inputs: ['s'], output: 'p', attributes: { axis: 3 } },
    { op: 'MatMul', inputs: ['p', 'q'], output: 'o' },
    { op: 'Transpose', inputs: ['o'], output: 't', attributes: { perm: [0, 2, 1, 3] } },
    { op: 'Reshape', inputs: ['t', 'joined'] },
  ],
  'parts, joined and padded': [
    { op: 'Slice', inputs: ['x', 'one', 'far', 'two'], output: 'p' },
    { op: 'Concat', inputs: ['p', 'x'], output: 'c', attributes: { axis: 2 } },
    { op: 'ReduceMean', inputs: ['c'], attributes: { axes: [1] } },
  ],
  'a convolution and the statistics of a sample': [
    { op: 'Conv', inputs: ['x', 'k'], output: 'c' },
    { op: 'InstanceNormalization', inputs: ['c', 'scale', 'scale'] },
  ],
  'the largest places of a sample': [
    { op: 'TopK', inputs: ['x', 'two'], outputs: ['v', 'at'], attributes: { axis: 1 } },
    { op: 'GatherElements', inputs: ['x', 'at'], attributes: { axis: 1 } },
  ],
}

const bytesOf = (steps: readonly Step[], input: readonly number[] = [-1, 4, 6]) =>
  written({ input, stored, steps: steps.map((step) => (step === steps.at(-1) ? { ...step, output: 'y' } : step)) })

/** Three samples here at once beside each alone in ONNX Runtime, and the model as it was read. */
async function compared(bytes: Uint8Array, sample: readonly number[]) {
  const { model, ...here } = (() => {
    const sparse = new SparseModel(readOnnx(bytes, 'm.onnx'), { machine: best })
    return { model: sparse.model, run: (x: Float32Array) => sparse.run(x) }
  })()
  const x = Float32Array.from(normal([3, ...sample], 'x'))
  const size = x.length / 3
  const expected: number[] = []
  for (let n = 0; n < 3; n++) {
    const values = x.subarray(n * size, (n + 1) * size)
    expected.push(...(await runModel(bytes, new Map([['x', { shape: [1, ...sample], values }]]))).get('y')!)
  }
  expect(farthest(here.run(x), expected)).toBeLessThan(1e-5)
  return model
}

describe('samples of a file that leaves their number open', () => {
  it.each(Object.entries(mixed))('%s: run one by one, naming the node', async (_what, [op, steps, input]) => {
    const label = steps.length === 1 ? 'y' : 'v'
    const model = await compared(bytesOf(steps, input), input ? [6] : [4, 6])
    expect(model.oneByOne).toBe(true)
    expect(model.note).toBe(`m.onnx: node ${label} (${op}) mixes the samples of a batch, so they are run one by one`)
    expect(model.summary).toContain(model.note)
  })

  it.each(Object.entries(apart))('%s: run at once', async (_what, steps) => {
    const model = await compared(bytesOf(steps), [4, 6])
    expect([model.oneByOne, model.note]).toEqual([undefined, undefined])
  })

  it('commands are told', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'espalier-')), 'm.onnx')
    writeFileSync(path, bytesOf(mixed['a mean over samples'][1]))
    const notes: string[] = []
    await readWeights(path, {}, (sentence) => notes.push(sentence))
    expect(notes).toEqual([expect.stringContaining('node v (ReduceMean) mixes the samples')])
  })
})
