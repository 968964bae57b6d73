/**
 * @file Classifiers that mix the samples of a batch are run one by one, and have accuracies all the same:
 * those of ONNX Runtime, sample by sample.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { random } from '../../src/util/random.ts'
import { npyBytes, writeNpz } from '../data/arrays/array-files.ts'
import { type Step, written } from '../formats/onnx/build.ts'
import { runModel } from '../support/onnx.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const IMAGE = [1, 4, 6]
const PIXELS = 24
const COUNT = 60

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})

const draw = random(5, 'mixed classifier')
const normal = (n: number, scale = 1) => Array.from({ length: n }, () => scale * draw.normal())
const images = Float32Array.from(normal(COUNT * PIXELS))

/** Scores less their mean over the batch, added to the scores: of a sample alone these themselves. */
function modelFile(scores: number, end: 'Softmax' | 'Sigmoid', open = true): string {
  const stored = {
    w1: { shape: [8, PIXELS], values: normal(8 * PIXELS, 0.4) },
    w2: { shape: [scores, 8], values: normal(scores * 8, 0.8) },
    row: { shape: [2], values: [1, -1], whole: true },
  }
  const steps: Step[] = [
    // Samples of a batch in one row: it is written for one.
    open ? { op: 'Flatten', inputs: ['x'], output: 'f' } : { op: 'Reshape', inputs: ['x', 'row'], output: 'f' },
    { op: 'Gemm', inputs: ['f', 'w1'], output: 'h', attributes: { transB: 1 } },
    { op: 'Relu', inputs: ['h'], output: 'r' },
    { op: 'Gemm', inputs: ['r', 'w2'], output: 's', attributes: { transB: 1 } },
    { op: 'ReduceMean', inputs: ['s'], output: 'm', attributes: { axes: [0] } },
    { op: 'Sub', inputs: ['s', 'm'], output: 'd' },
    { op: 'Add', inputs: ['s', 'd'], output: 't' },
    end === 'Softmax' ? { op: end, inputs: ['t'], attributes: { axis: 1 } } : { op: end, inputs: ['t'] },
  ]
  const path = join(folder, 'model.onnx')
  writeFileSync(path, written({ input: [open ? -1 : 1, ...IMAGE], stored, steps, opset: 13 }))
  return path
}

/** What ONNX Runtime makes of each sample alone: probabilities, or one. */
async function outputsOf(path: string): Promise<number[][]> {
  const bytes = readFileSync(path)
  const outputs: number[][] = []
  for (let n = 0; n < COUNT; n++) {
    const values = images.subarray(n * PIXELS, (n + 1) * PIXELS)
    const found = await runModel(bytes, new Map([['x', { shape: [1, ...IMAGE], values }]]))
    outputs.push(Array.from([...found.values()][0]))
  }
  return outputs
}

const classIn = (row: readonly number[]) => (row.length === 1 ? Number(row[0] > 0.5) : row.indexOf(Math.max(...row)))
const isTest = (n: number) => n % 5 === 4

/** Accuracy and loss of a file on the test samples. */
async function figuresOf(path: string, labels: readonly number[]) {
  const rows = (await outputsOf(path)).map((row, n) => ({ row, label: labels[n] })).filter((_, n) => isTest(n))
  const ofLabel = ({ row, label }: (typeof rows)[0]) => (row.length > 1 ? row[label] : label ? row[0] : 1 - row[0])
  return {
    accuracy: rows.filter(({ row, label }) => classIn(row) === label).length / rows.length,
    loss: rows.reduce((sum, one) => sum - Math.log(ofLabel(one)), 0) / rows.length,
  }
}

interface Figures {
  accuracy: number
  loss: number
}

function expectSame(found: Figures, expected: Figures): void {
  expect(found.accuracy).toBe(expected.accuracy)
  expect(found.loss).toBeCloseTo(expected.loss, 4)
}

it.each([
  ['a softmax', 3, 'Softmax', true, 'obd'],
  ['a sigmoid of one score', 1, 'Sigmoid', true, 'sparsegpt'],
  ['a softmax, written for one sample', 3, 'Softmax', false, 'obc'],
] as const)('%s: eval and prune say what ONNX Runtime finds', async (_, scores, end, open, method) => {
  const path = modelFile(scores, end, open)
  const out = join(folder, 'out.onnx')
  // Two of three labels are what the model says.
  const labels = (await outputsOf(path)).map((row, n) => (classIn(row) + Number(n % 3 === 0)) % Math.max(scores, 2))
  const data = writeNpz(join(folder, 'data.npz'), {
    x: npyBytes({ shape: [COUNT, ...IMAGE], data: images }),
    labels: npyBytes({ shape: [COUNT], data: Uint8Array.from(labels), descr: '|u1' }),
  })
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await espalier([...args, '--json'])
    const note = /^note: .*\.onnx: node m \(ReduceMean\) mixes the samples of a batch, so they are run one by one\n/
    // On a busy machine a line may say how long it will still take.
    expect({ code, stderr }).toEqual({ code: 0, stderr: open ? expect.stringMatching(note) : expect.any(String) })
    return jsonLines(stdout).at(-1) as unknown as Figures & { dense: Figures; final: Figures }
  }
  const dense = await figuresOf(path, labels)
  expect(dense.accuracy).toBeCloseTo(2 / 3, 1)
  expectSame(await json('eval', path, '--data', data), dense)
  const flags = ['--method', method, '--sparsity', '0.5', '--samples', '20', '--polish', '1', '-o', out]
  const pruned = await json('prune', path, '--data', data, ...flags)
  expectSame(pruned.dense, dense)
  expectSame(pruned.final, await figuresOf(out, labels))
  expect(Math.abs(pruned.final.loss - dense.loss)).toBeGreaterThan(1e-4)
})

it('without labels they are judged by distances', async () => {
  const path = modelFile(3, 'Softmax')
  const data = writeNpz(join(folder, 'data.npz'), { x: npyBytes({ shape: [COUNT, ...IMAGE], data: images }) })
  const { stdout, code } = await espalier(['eval', path, '--dense', path, '--data', data, '--json'])
  expect(code).toBe(0)
  const [found] = jsonLines(stdout)
  expect(found.accuracy).toBeUndefined()
  expect(found.loss).toBe(0)
})
