/** @file espalier prune of ONNX files by value: what it prints, writes and refuses. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { writeSafetensors } from '../../src/formats/safetensors.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { type ModelText, mixed, modelBytes, type Stored } from '../formats/onnx/models.ts'
import { outputs, unit, withoutSmallest } from '../formats/onnx/prune-weights.ts'
import { machine } from '../train/small.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const matrix = (rows: number, columns: number, seed = 1, factor = 1): Stored => ({
  shape: [rows, columns],
  values: mixed(rows * columns, seed).map((value) => factor * value),
})

/** Runs prune on a model in a folder of its own. */
async function prune(text: ModelText, ...flags: string[]) {
  const folder = temporaryFolder()
  const [path, out] = [join(folder, 'model.onnx'), join(folder, 'out.onnx')]
  writeFileSync(path, modelBytes(text))
  const result = await espalier(['prune', path, '--method', 'magnitude', ...flags, '-o', out])
  return { ...result, path, out }
}

/** Two products with an operator between them, by default one that runs here: op(x W) V. */
const chain = (W: Stored, V: Stored, op = 'Relu'): ModelText => ({
  inputs: { x: ['N', W.shape[0]] },
  stored: { W, V },
  outputs: ['y'],
  steps: [
    { op: 'MatMul', in: ['x', 'W'], out: 'h' },
    { op, in: ['h'], out: 'r' },
    { op: 'MatMul', in: ['r', 'V'], out: 'y' },
  ],
})

describe('what is found', () => {
  const text: ModelText = {
    inputs: { x: ['N', 4] },
    stored: { W: matrix(4, 6), C: matrix(4, 6, 2), E: matrix(4, 3, 3) },
    steps: [
      { op: 'Gemm', in: ['x', 'W', 'C'], out: 'y' },
      { op: 'Constant', in: [], out: 'K', with: { value: { tensor: matrix(4, 6, 4) } } },
      { op: 'MatMul', in: ['x', 'K'], out: 'z' },
      { op: 'Add', in: ['x', 'x'], out: 'v' },
    ],
    outputs: ['z', 'y', 'v'],
  }

  it('is pruned exactly, whatever the first output needs; the rest is listed; all is in --json', async () => {
    const { code, stdout, stderr, path, out } = await prune(text, '--sparsity', '0.5', '--json')
    expect([code, stderr]).toEqual([0, ''])
    const [said] = jsonLines(stdout)
    expect(said).toMatchObject({
      prunable: { size: 48, kept: 24, sparsity: 0.5 },
      stored: { size: 84, kept: 60 },
      untouched: [
        { key: 'C', shape: [4, 6], reason: 'a bias of Gemm' },
        { key: 'E', shape: [4, 3], reason: 'read by nothing' },
      ],
    })
    expect(said).not.toHaveProperty('sparserAlready')
    // The bias is added to the product with the unit matrix.
    const bias = [...matrix(4, 6, 2).values]
    const weights = async (file: string) => {
      const found = await outputs(readFileSync(file), ['z', 'y'], { x: unit(4) })
      return found.map((value, i) => (i < 24 ? value : value - bias[i - 24]))
    }
    const [before, after] = [await weights(path), await weights(out)]
    const expected = withoutSmallest(before, 0.5)
    for (const [i, value] of after.entries()) expect(value).toBeCloseTo(expected[i], 5)
  })

  it('is chosen by keys; what is left out is listed with the rest, ten lines at most', async () => {
    const many = Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`u${i}`, matrix(2, 2, i)]))
    const stored = { ...text.stored, ...many }
    const { stdout } = await prune({ ...text, stored }, '--sparsity', '0.5', '--exclude', 'K')
    expect(stdout).toMatch(/\n\| all pruned tensors +\| +24 \| +12 \| 50\.00 % \|\n/)
    expect(stdout).toContain('not pruned:\n  K [4 x 6]: left out by --exclude\n  C [4 x 6]: a bias of Gemm\n')
    expect(stdout.match(/\n {2}u\d+ \[2 x 2\]: read by nothing/g)).toHaveLength(7)
    expect(stdout).toContain('\n  and 7 more, which --json lists\n')
    expect(stdout).toContain('sparsity 50.00 % of the pruned tensors; 8.57 % of all 140 stored numbers')
  })

  it.each([
    ['--include', 'C', '--include: C is no weight that is pruned (a bias of Gemm)\n'],
    ['--exclude', 'nothing', '--exclude: no prunable tensor is named nothing (known: W, K)\n'],
    ['--exclude', '*', '--exclude * leaves no weight of '],
  ])('%s %s is refused', async (flag, pattern, message) => {
    const { code, stdout, stderr, out } = await prune(text, '--sparsity', '0.5', flag, pattern)
    expect([code, stdout, existsSync(out)]).toEqual([1, '', false])
    expect(stderr).toContain(message)
  })

  it('a file without weights says so', async () => {
    const steps = [{ op: 'Add', in: ['x', 'E'], out: 'y' }]
    const none = { inputs: { x: [4, 3] }, stored: { E: matrix(4, 3) }, steps, outputs: ['y'] }
    const { code, stderr, path } = await prune(none, '--sparsity', '0.5')
    expect([code, stderr]).toEqual([
      1,
      `espalier: ${path} has no stored weights of layers (E: read by Add, which is no layer)\n`,
    ])
  })

  it('zeros that are there already are said where they are more than asked for, and nothing is removed', async () => {
    const W = { shape: [4, 5], values: mixed(20).map((value, i) => (i % 4 === 0 ? value : 0)) }
    const model = chain(W, matrix(5, 2))
    const { stdout, path, out } = await prune(model, '--sparsity', '0.2')
    expect(stdout).toContain('\nsparser already than asked: 50.00 %\n')
    const feeds = { x: unit(4) }
    expect(await outputs(readFileSync(out), ['y'], feeds)).toEqual(await outputs(readFileSync(path), ['y'], feeds))
    const [said] = jsonLines((await prune(model, '--sparsity', '0.2', '--json')).stdout)
    expect(said).toMatchObject({ sparserAlready: 0.5, prunable: { kept: 15 } })
  })
})

describe('a collapse', () => {
  const tiny = chain(matrix(4, 5), matrix(5, 2, 2, 1e-6))
  const none = 'layer V has collapsed: none of its weights is left'
  const same = 'no path leads from the input to the output: the network gives the same answer to every input'

  it('is a warning, with what other scale the layer is of', async () => {
    const { code, stdout } = await prune(tiny, '--sparsity', '0.5')
    expect(code).toBe(0)
    expect(stdout).toContain(`\nwarning: ${none}\nwarning: ${same}\n`)
    expect(stdout).toMatch(
      /\nwarning: the ranking over all tensors removes 100\.00 % of V, .*--exclude 'V'.*--exclude 'W'/,
    )
    expect((await prune(tiny, '--sparsity', '0.5', '--scope', 'layerwise')).stdout).not.toContain('warning')
  })

  it.each([
    ['of a network that runs', tiny, `${none}; ${same}`],
    ['of one that does not', chain(matrix(4, 5), matrix(5, 2, 2, 1e-6), 'Bernoulli'), none],
    [
      'by equal weights',
      chain({ shape: [4, 5], values: Array(20).fill(1) }, { shape: [5, 2], values: Array(10).fill(1) }),
      `${none}; ${same}`,
    ],
    [
      'without an empty layer',
      // The first keeps what leads to the first of five values, the second what reads another.
      chain(
        { shape: [2, 5], values: [9, 0.1, 0.1, 0.1, 0.1, 9, 0.1, 0.1, 0.1, 0.1] },
        { shape: [5, 2], values: [0.1, 0.1, 9, 9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1] },
      ),
      same,
    ],
  ])('%s is refused with --on-collapse error, and nothing is written', async (_what, model, message) => {
    const sparsity = model.stored!.W.shape[0] === 2 ? '0.8' : '0.5'
    const { code, stdout, stderr, out } = await prune(model, '--sparsity', sparsity, '--on-collapse', 'error')
    expect([code, stdout, existsSync(out)]).toEqual([1, '', false])
    expect(stderr).toBe(`espalier: pruning to a sparsity of ${sparsity}: ${message}\n`)
  })

  it('of other files, too', async () => {
    const network = new Network({ machine, model: findModel('mlpnet'), data: synthetic(), batch: 10 })
    const last = network.values('fc3.weight')
    for (let i = 0; i < last.length; i++) last[i] *= 1e-6
    const folder = temporaryFolder()
    const [path, out] = [join(folder, 'w.safetensors'), join(folder, 'out.safetensors')]
    writeSafetensors(path, weightsOf(network))
    const flags = ['--model', 'mlpnet', '--method', 'magnitude', '--sparsity', '0.5', '-o', out]
    const refused = await espalier(['prune', path, ...flags, '--on-collapse', 'error'])
    expect([refused.code, refused.stdout, existsSync(out)]).toEqual([1, '', false])
    expect(refused.stderr).toContain('layer fc3.weight has collapsed')
    expect((await espalier(['prune', path, ...flags])).stdout).toContain('warning: layer fc3.weight has collapsed')
  })
})

it('inspect lists tensors of all graphs and quantized ones, counts weights of layers, and says what is none', async () => {
  const text: ModelText = {
    stored: {
      W: { ...matrix(4, 6), sparse: true },
      C: matrix(4, 6, 2),
      s: { shape: [], values: [0.5] },
      Q: { shape: [4, 2], values: [3, 3, 4, 5, 6, 7, 8, 9], type: 'int8' },
      z: { shape: [], values: [3], type: 'int8' },
      yes: { shape: [], values: [1], type: 'bool' },
    },
    steps: [
      // An operator that does not run here: the file's tensors are all that can be said of it.
      { op: 'Bernoulli', in: ['x'], out: 'b0' },
      { op: 'Gemm', in: ['b0', 'W', 'C'], out: 'y' },
      { op: 'DequantizeLinear', in: ['Q', 's', 'z'], out: 'q' },
      { op: 'MatMul', in: ['b0', 'q'], out: 'z1' },
      {
        op: 'If',
        name: 'choice',
        in: ['yes'],
        out: 'z2',
        with: {
          then_branch: {
            graph: {
              steps: [
                {
                  op: 'Constant',
                  in: [],
                  out: 'K',
                  with: { value: { tensor: { shape: [1, 4, 2], values: mixed(8) } } },
                },
                { op: 'MatMul', in: ['b0', 'K'], out: 'a' },
              ],
              outputs: ['a'],
            },
          },
          else_branch: { graph: { steps: [{ op: 'Identity', in: ['b0'], out: 'b' }], outputs: ['b'] } },
        },
      },
    ],
    outputs: ['y', 'z1', 'z2'],
  }
  const path = join(temporaryFolder(), 'model.onnx')
  writeFileSync(path, modelBytes(text))
  const [said] = jsonLines((await espalier(['inspect', path, '--json'])).stdout)
  const found = said as unknown as {
    tensors: { name: string; dtype: string; kind: string; nonzeros: number }[]
    totals: object[]
  }
  expect(found.tensors).toMatchObject([
    { name: 'C', kind: 'others' },
    { name: 's', kind: 'others' },
    { name: 'W', kind: 'matrices' },
    { name: 'choice/then_branch/K', kind: 'weights of other shapes' },
    { name: 'Q', dtype: 'I8', kind: 'matrices', nonzeros: 6 },
  ])
  expect(found.totals.at(-1)).toEqual({ what: 'weights of layers', tensors: 3, size: 24 + 8 + 8, nonzeros: 24 + 8 + 6 })
  const { stdout } = await espalier(['inspect', path])
  expect(stdout).toContain('\nweights of layers are the tensors, of all graphs of the model, ')
  expect(stdout).toContain('\nnot pruned:\n  C [4 x 6]: a bias of Gemm\n')
})
