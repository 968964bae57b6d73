/** @file espalier prune --engine onnxruntime: models with operators that do not run here. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openModel, parseOnnx } from '../../src/formats/onnx/file.ts'
import { numbersOf } from '../../src/formats/onnx/tensor.ts'
import { type Stored, type Written, written } from '../formats/onnx/build.ts'
import { normal } from '../formats/onnx/same.ts'
import { espalier, jsonLines } from './cli.ts'

const weight = (name: string, shape: readonly number[]): Stored => ({
  shape,
  values: normal(shape, name).map((value) => value / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1))),
})

/** Digits, sampled on a grid between two layers: an operator that does not run here. */
const sampled: Written = {
  input: [1, 1, 28, 28],
  stored: {
    first: weight('first', [5, 1, 5, 5]),
    grid: { shape: [1, 6, 6, 2], values: normal([1, 6, 6, 2], 'grid').map((value) => Math.tanh(value)) },
    second: weight('second', [7, 5, 3, 3]),
  },
  steps: [
    { op: 'Conv', inputs: ['x', 'first'], attributes: { strides: [2, 2] } },
    { op: 'Relu', inputs: ['v1'] },
    { op: 'GridSample', inputs: ['v2', 'grid'] },
    { op: 'Conv', inputs: ['v3', 'second'] },
  ],
}

const folder = mkdtempSync(join(tmpdir(), 'espalier-'))
afterAll(() => rmSync(folder, { recursive: true }))
const [path, out] = [join(folder, 'model.onnx'), join(folder, 'out.onnx')]
beforeAll(() => writeFileSync(path, written(sampled)))

const prune = (...flags: string[]) =>
  espalier(['prune', path, '--engine', 'onnxruntime', '--sparsity', '0.6', '-o', out, '--force', ...flags])

const zeros = (file: string) =>
  [...parseOnnx(readFileSync(file), file).stored].flatMap(([key, read]) =>
    key === 'grid' ? [] : [[key, Array.from(numbersOf(read())).filter((value: number) => value === 0).length]],
  )

describe.each(['sparsegpt', 'obc'])('%s', (method) => {
  it('prunes as much as asked for, and changes nothing else', async () => {
    const result = await prune(
      '--method',
      method,
      '--data',
      'mnist',
      '--scope',
      'layerwise',
      '--samples',
      '16',
      '--json',
    )
    expect(result).toMatchObject({ code: 0, stderr: '' })
    const [report] = jsonLines(result.stdout)
    expect(report).toMatchObject({ samples: 16, method, prunable: { size: 440, kept: 176 }, untouched: [] })
    expect(report).toMatchObject({ dense: { loss: 0, count: 1000 }, final: { count: 1000, outputs: [{ name: 'y' }] } })
    const { loss } = report.final as { loss: number }
    expect(loss).toBeGreaterThan(0.01)
    expect(loss).toBeLessThan(1)
    expect(report.engine).toMatch(/^onnxruntime-node 1\./)
    expect(zeros(out)).toEqual([
      ['first', 75],
      ['second', 189],
    ])
    const [before, after] = [path, out].map((file) => openModel(parseOnnx(readFileSync(file), file).proto, file))
    expect(after.graph.node).toEqual(before.graph.node)
    expect(after.stored.get('grid')!()).toEqual(before.stored.get('grid')!())
  })
})

it('says what it did in lines, and what stays', async () => {
  const result = await prune('--method', 'sparsegpt', '--data', 'mnist', '--samples', '8', '--exclude', 'second')
  expect(result.stdout).toMatch(/model.onnx: 1 tensors pruned by sparsegpt with 8 runs of onnxruntime-node .*, 60.00 %/)
  expect(result.stdout).toMatch(/^\| 1,000 test samples +\| +dense \| pruned \|$/m)
  expect(result.stdout).toMatch(/^\| y \(share of variance\) +\| 0\.0000 \| 0\.\d{4} \|$/m)
  expect(zeros(out)).toEqual([
    ['first', 75],
    ['second', 0],
  ])
})

it.each([
  [
    ['--method', 'woodfisher', '--data', 'mnist'],
    /forward passes alone, and --method woodfisher needs gradients .*: expected obc or sparsegpt/,
  ],
  [['--method', 'magnitude'], /--method magnitude runs no network: expected no --engine/],
  [['--method', 'obc'], /--method obc needs --data with a data set or a folder/],
  [['--method', 'obc', '--data', 'mnist', '--polish', '3'], /--polish has no effect with --engine onnxruntime/],
  [
    ['--method', 'obc', '--data', 'mnist', '--scope', 'uniform'],
    /--scope: expected layerwise or erk .*, found uniform/,
  ],
  [['--method', 'obc', '--data', 'mnist', '--include', 'grid'], /--include: grid is no weight that is pruned/],
])('%s is refused by one sentence', async (flags, sentence) => {
  const { code, stderr } = await prune(...flags)
  expect(code).toBe(1)
  expect(stderr).toMatch(sentence)
  expect(stderr.trim().split('\n')).toHaveLength(1)
})
