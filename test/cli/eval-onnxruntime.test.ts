/** @file espalier eval --engine onnxruntime: the same figures as here, of models that run in both. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { random } from '../../src/util/random.ts'
import { floats, writeNpz } from '../data/arrays/array-files.ts'
import { type Written, written } from '../formats/onnx/build.ts'
import { type Interface, severalWritten } from '../formats/onnx/several.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const draw = random(7, 'eval in the runtime')
const normal = (n: number) => Array.from({ length: n }, () => draw.normal())
const stored = (...shape: number[]) => {
  const size = shape.reduce((a, b) => a * b)
  return { shape, values: normal(size).map((value) => value / Math.sqrt(size / shape[shape.length - 1])) }
}

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})

const model = (name: string, inputs: Interface, outputs: Interface, rest: Omit<Written, 'input'>): string => {
  const path = join(folder, name)
  writeFileSync(path, severalWritten(inputs, outputs, rest))
  return path
}

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await espalier([...args, '--json'])
  expect([code, stderr]).toEqual([0, ''])
  return jsonLines(stdout)[0]
}

const inRuntime = ['--engine', 'onnxruntime']

/** Numbers that are equal but for rounding, whatever else stands beside them. */
const near = (value: unknown): unknown => {
  if (typeof value === 'number') return expect.closeTo(value, 4)
  if (Array.isArray(value)) return value.map(near)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, near(one)]))
}

const JUDGED = ['loss', 'accuracy', 'correct', 'count', 'precision', 'recall', 'f1', 'top5', 'outputs', 'sparsity']
const figures = (found: Record<string, unknown>) =>
  Object.fromEntries(JUDGED.flatMap((key) => (key in found ? [[key, found[key]]] : [])))

const linear = (classes: number, closing: string | undefined, batch = -1) => {
  const last = closing === undefined ? [] : [{ op: closing, inputs: ['z'], outputs: ['y'] }]
  return model(
    `${closing}${classes}.onnx`,
    { x: [batch, 6] },
    { y: [batch, classes] },
    {
      stored: { w: stored(6, classes) },
      steps: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: [closing === undefined ? 'y' : 'z'] }, ...last],
    },
  )
}

const labelled = (classes: number) =>
  writeNpz(join(folder, `labelled${classes}.npz`), {
    x: floats([115, 6], normal(690)),
    labels: floats(
      [115],
      Array.from({ length: 115 }, (_, i) => (i * i) % Math.max(classes, 2)),
    ),
  })

it.each([
  [7, 'Softmax'],
  [7, 'LogSoftmax'],
  [3, undefined],
  [1, 'Sigmoid'],
  [1, undefined],
] as const)('%i scores that end in %s have the same loss and accuracy', async (classes, closing) => {
  const evaluate = ['eval', linear(classes, closing), '--data', labelled(classes)]
  const [here, there] = [await json(...evaluate), await json(...evaluate, ...inRuntime)]
  expect(there).toMatchObject(near(figures(here)) as object)
  expect(here.count).toBe(23)
  expect(here.accuracy).toBeGreaterThan(0)
  expect(there.engine).toMatch(/^onnxruntime-node 1\./)
})

it('a model that is written for several samples gets the last of them in part', async () => {
  const evaluate = ['eval', linear(5, 'Softmax', 4), '--data', labelled(5), ...inRuntime]
  // 23 samples are five runs of 4 and one of 3.
  expect(await json(...evaluate)).toMatchObject({ count: 23 })
  const metric = join(folder, 'counted.mjs')
  writeFileSync(
    metric,
    `export default class {
       seen = []
       add({ outputs: { y }, labels, samples }) {
         if (y.values.length !== 5 * samples.length || labels.length !== samples.length) throw new Error('apart')
         this.seen.push(...samples)
       }
       value() { return { last: this.seen.at(-1), count: new Set(this.seen).size } }
     }`,
  )
  expect(await json(...evaluate, '--metric', metric)).toMatchObject({ metrics: { values: { last: 22, count: 23 } } })
})

/** Boxes and kinds at 4 places of a row. */
const detector = (name: string) =>
  model(
    name,
    { x: [-1, 6] },
    { boxes: [-1, 4, 2], kinds: [-1, 4, 3] },
    {
      stored: {
        wide: stored(6, 8),
        form: { shape: [3], values: [-1, 4, 2], whole: true },
        kind: stored(2, 3),
      },
      steps: [
        { op: 'MatMul', inputs: ['x', 'wide'], output: 'a' },
        { op: 'Reshape', inputs: ['a', 'form'], outputs: ['boxes'] },
        { op: 'MatMul', inputs: ['boxes', 'kind'], output: 'k' },
        { op: 'Softmax', inputs: ['k'], outputs: ['kinds'], attributes: { axis: -1 } },
      ],
    },
  )

const unlabelled = () => writeNpz(join(folder, 'x.npz'), { x: floats([60, 6], normal(360)) })

it('distances of squares and of divergences are those that are measured here, and a measure sees the same', async () => {
  const [dense, other, data] = [detector('dense.onnx'), detector('other.onnx'), unlabelled()]
  const metric = join(folder, 'mean.mjs')
  writeFileSync(
    metric,
    `export default ({ outputs: { boxes, kinds } }) => ({
       boxes: boxes.values.reduce((a, b) => a + b, 0) / boxes.shape[0],
       kinds: kinds.values.reduce((a, b, i) => a + b * (i % 3), 0) / kinds.shape[0],
     })`,
  )
  const evaluate = ['eval', other, '--dense', dense, '--data', data, '--metric', metric]
  const [here, there] = [await json(...evaluate), await json(...evaluate, ...inRuntime)]
  expect(there).toMatchObject(near({ ...figures(here), metrics: here.metrics }) as object)
  const [boxes, kinds] = here.outputs as { name: string; distance: number; unit: string }[]
  expect([boxes.unit, kinds.unit]).toEqual(['variance', 'nats'])
  expect(boxes.distance).toBeGreaterThan(0.5)
  expect(kinds.distance).toBeGreaterThan(0.05)
  const { stdout } = await espalier([...evaluate, ...inRuntime])
  expect(stdout).toMatch(/^distance \d\.\d{4} from .*dense\.onnx on 12 samples, sparsity 0\.00 % of the 54 weights/m)
  expect(stdout).toMatch(/^ {2}kinds \(divergence, nats\): 0\.\d{4}$/m)
})

it('what does not go together is refused by one sentence', async () => {
  const refusal = async (...args: string[]) => {
    const { code, stderr } = await espalier(['eval', ...args, ...inRuntime])
    expect(code).toBe(1)
    expect(stderr.trimEnd()).not.toContain('\n')
    return stderr.trimEnd()
  }
  const [path, data, rows] = [linear(5, 'Softmax'), labelled(5), unlabelled()]
  expect(await refusal(path, '--data', rows)).toMatch(/x\.npz has no labels of .*: expected --dense with the dense/)
  expect(await refusal(path, '--data', data, '--dense', path)).toMatch(/--dense is for data without labels, and /)
  expect(await refusal(path, '--data', data, '--kernels', 'sparse')).toMatch(
    /--kernels: .* expected auto, found sparse$/,
  )
  expect(await refusal(path, '--data', data, '--model', 'mlpnet')).toMatch(/--model has no effect with --engine/)
  expect(await refusal(path, '--data', rows, '--dense', detector('d.onnx'))).toMatch(
    /gives boxes, kinds, .*Softmax5\.onnx y: expected models of the same outputs$/,
  )
  const division = model(
    'nan.onnx',
    { x: [-1, 6] },
    { y: [-1, 2] },
    {
      stored: { w: { shape: [6, 2], values: Array(12).fill(0) } },
      steps: [
        { op: 'MatMul', inputs: ['x', 'w'], output: 'zero' },
        { op: 'Div', inputs: ['zero', 'zero'], outputs: ['y'] },
      ],
    },
  )
  expect(await refusal(division, '--data', rows, '--dense', division)).toMatch(
    /nan\.onnx computes NaN of test sample 0 in its output y, expected finite numbers$/,
  )
})

it('a model that does not run here is judged all the same', async () => {
  const path = join(folder, 'sampled.onnx')
  const grid = { shape: [1, 5, 5, 2], values: normal(50).map(Math.tanh) }
  const steps = [
    { op: 'GridSample', inputs: ['x', 'grid'] },
    { op: 'Conv', inputs: ['v1', 'w'] },
  ]
  writeFileSync(path, written({ input: [1, 1, 6, 6], stored: { grid, w: stored(2, 1, 3, 3) }, steps }))
  const data = writeNpz(join(folder, 'images.npz'), { x: floats([20, 1, 6, 6], normal(720)) })
  const evaluate = ['eval', path, '--dense', path, '--data', data]
  expect((await espalier(evaluate)).stderr).toContain('GridSample')
  expect(await json(...evaluate, ...inRuntime)).toMatchObject({ loss: 0, count: 4, outputs: [{ name: 'y' }] })
})
