/** @file espalier quantize and prune --quantize: what they write, say and refuse. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Judge } from '../../src/cli/quantize/networks.ts'
import { wholeWithin } from '../../src/cli/quantize/within-drop.ts'
import { type OnnxFile, parseOnnx } from '../../src/formats/onnx/file.ts'
import { numbersOf } from '../../src/formats/onnx/tensor.ts'
import type { Quantized } from '../../src/quantize/quantize.ts'
import { byOnnxRuntime } from '../formats/onnx/outputs.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'
import { writeTrained } from './trained.ts'

let folder: string
let file: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-'))
  file = join(folder, 'mlp.safetensors')
  await writeTrained(file, 1)
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const outIn = () => join(temporaryFolder(), 'out.onnx')
const quantize = (out: string, flags = '', from = file) =>
  espalier(['quantize', from, '--data', 'synthetic', '-o', out, ...flags.split(' ').filter(Boolean)])

interface Said {
  layers: { name: string; error: number }[]
  floats: { name: string; reason: string }[]
  values: number
  dense: { accuracy: number }
  final: { accuracy: number }
  quantized: { final: { accuracy: number }; layers: { name: string }[] }
  before: { bytes: number; brotli: number; sparsity: number }
  after: Said['before']
}
async function said(result: ReturnType<typeof espalier>): Promise<Said> {
  const { code, stdout, stderr } = await result
  expect([code, stderr]).toEqual([0, ''])
  expect(jsonLines(stdout)).toHaveLength(1)
  return jsonLines(stdout)[0] as unknown as Said
}
const refusal = async (result: ReturnType<typeof espalier>) => {
  const { code, stderr } = await result
  expect(code).toBe(1)
  expect(stderr.trimEnd()).not.toContain('\n')
  return stderr.trimEnd().replace(/^espalier: /, '')
}

it('the file is what was judged, runs in ONNX Runtime, and takes a quarter', async () => {
  const out = outIn()
  const { layers, floats, values, dense, final, before, after } = await said(quantize(out, '--json --samples 100'))
  expect(layers.map(({ name }) => name)).toEqual(['fc1.weight', 'fc2.weight', 'fc3.weight'])
  expect([floats, values]).toEqual([[], 3])
  expect(Math.abs(final.accuracy - dense.accuracy)).toBeLessThan(0.02)
  expect(after.bytes / before.bytes).toBeLessThan(0.3)
  const evaluated = await said(espalier(['eval', out, '--data', 'synthetic', '--json']))
  expect((evaluated as unknown as { accuracy: number }).accuracy).toBeCloseTo(final.accuracy, 6)
  const outputs = await byOnnxRuntime(new Uint8Array(readFileSync(out)))
  expect(outputs.get('logits')!.values.every(Number.isFinite)).toBe(true)
  const { metadata } = parseOnnx(new Uint8Array(readFileSync(out)), out)
  expect(metadata).toMatchObject({
    quantized: 'weights int8 by gptq, activations uint8, 3 layers',
    calibration: '100 samples, seed 0',
  })
})

it('the same bytes again, others with another seed', async () => {
  const outs = [outIn(), outIn(), outIn()]
  for (const [i, flags] of ['', '', '--seed 1'].entries()) await quantize(outs[i], `--samples 40 ${flags}`)
  const [first, again, other] = outs.map((out) => readFileSync(out).toString('base64'))
  expect(again).toBe(first)
  expect(other).not.toBe(first)
})

it.each([
  ['--weights int4', /32,360 weights of 3 layers in int4$/m, ['MatMulNBits', 'Relu']],
  ['--activations dynamic', /in int8; what goes into them by its range in every run$/m, ['MatMulInteger']],
  ['--activations float --rounding nearest --scales max', /3 layers in int8$/m, ['DequantizeLinear', 'Gemm']],
  ['--activations int8 --range percentile --percentile 99.9', /in int8; 3 activations in int8$/m, ['QuantizeLinear']],
  ['--asymmetric --range min-max', /in int8; 3 activations in uint8$/m, ['QuantizeLinear']],
])('%s', async (flags, line, operators) => {
  const out = outIn()
  const { code, stdout } = await quantize(out, `--samples 50 ${flags}`)
  expect(code).toBe(0)
  expect(stdout).toMatch(line)
  expect(stdout).toMatch(/test accuracy +\| +\d+\.\d\d % \| +\d+\.\d\d %/)
  const { graph } = parseOnnx(new Uint8Array(readFileSync(out)), out)
  for (const op of operators) expect(graph.node.some(({ opType }) => opType === op)).toBe(true)
})

it('--exclude: these stay floats', async () => {
  const out = outIn()
  const { layers } = await said(quantize(out, '--json --samples 20 --exclude fc1*'))
  expect(layers.map(({ name }) => name)).toEqual(['fc2.weight', 'fc3.weight'])
})

it('--max-drop that nothing exceeds leaves all layers whole', async () => {
  const { floats } = await said(quantize(outIn(), '--json --samples 20 --max-drop 100 --judges 100'))
  expect(floats).toEqual([])
})

describe('which layers stay floats', () => {
  /** A judge for whom each layer has a drop of its own, and drops add up. */
  function judged(drops: Record<string, number>, most: number) {
    const accuracyOf = (names: ReadonlySet<string>) =>
      0.9 - [...names].reduce((sum, name) => sum + drops[name], 0) / 100
    const made = new Map<OnnxFile, ReadonlySet<string>>()
    const file = (names: ReadonlySet<string>) => {
      const one = {} as OnnxFile
      made.set(one, names)
      return one
    }
    const dense = file(new Set())
    const measure = (one: OnnxFile) => {
      const accuracy = accuracyOf(made.get(one)!)
      return { accuracy, loss: 1 - accuracy, count: 1 } as ReturnType<Judge['measure']>
    }
    const all = new Set(Object.keys(drops))
    const quantized = {
      layers: [...all].map((name) => ({ name })),
      assemble: (some = all) => ({ file: file(some), values: 0, notes: [] }),
    } as unknown as Quantized
    return wholeWithin(quantized, { judge: { measure } as unknown as Judge, file: dense, most })
  }
  const drops = { a: 0.1, b: 3, c: 0.2, d: 1, e: 0.05 }

  it.each([
    [5, []],
    [1.5, ['b']],
    [0.4, ['b', 'd']],
    [0.2, ['b', 'd', 'c']],
    [0.06, ['b', 'd', 'c', 'a']],
  ])('of a drop of %d', (most, expected) => {
    const { whole, floats } = judged(drops, most)
    expect(floats.map(({ name }) => name)).toEqual(expected)
    expect([...whole].sort()).toEqual(Object.keys(drops).filter((name) => !(expected as string[]).includes(name)))
  })

  it('none', () => {
    expect(() => judged(drops, 0.01)).toThrow('--max-drop 0.01: not even one layer can be whole numbers')
  })
})

it('prune --quantize: zeros stay zero, in one command', async () => {
  const out = outIn()
  const flags = ['--method', 'magnitude', '--sparsity', '0.8', '--data', 'synthetic', '--quantize', 'int8']
  const { quantized, final, after } = await said(espalier(['prune', file, ...flags, '-o', out, '--json']))
  expect(quantized.layers).toHaveLength(3)
  expect(Math.abs(quantized.final.accuracy - final.accuracy)).toBeLessThan(0.02)
  expect(after.sparsity).toBeGreaterThanOrEqual(0.7999)
  const { stored } = parseOnnx(new Uint8Array(readFileSync(out)), out)
  const codes = ['fc1', 'fc2', 'fc3'].flatMap((name) => [...numbersOf(stored.get(`${name}.weight_quantized`)!())])
  expect(codes.filter((code) => code === 0).length / codes.length).toBeGreaterThanOrEqual(0.7999)
})

it('prune --quantize that cannot be done names the file that was read, and leaves nothing', async () => {
  const [quantized, out] = [outIn(), outIn()]
  await quantize(quantized, '--samples 10 --weights int4')
  const flags = ['--method', 'magnitude', '--sparsity', '0.5', '--data', 'synthetic', '--quantize', 'int8']
  const message = await refusal(espalier(['prune', quantized, ...flags, '-o', out]))
  expect(message).toContain(quantized)
  expect(message).not.toContain(out)
  expect(readdirSync(join(out, '..'))).toEqual([])
})

it('prune --quantize describes the file that it wrote', async () => {
  const out = outIn()
  const flags = ['--method', 'magnitude', '--sparsity', '0.5', '--data', 'synthetic', '--quantize', 'int8']
  const { stdout } = await espalier(['prune', file, ...flags, '-o', out])
  expect(stdout).toMatch(/quantized: 32,360 weights of 3 layers in int8; 3 activations: test accuracy/)
  expect(stdout).toContain(`The network is in ${out} (${(statSync(out).size / 1000).toFixed(1)} kB)`)
  expect(stdout).not.toContain('stored as')
})

describe('refused', () => {
  it.each([
    ['--weights int3', '--weights: there is no int3'],
    [
      '--weights int4 --activations uint8',
      '--activations uint8: runtimes multiply weights of four bits with floats, expected float',
    ],
    ['--block 48 --weights int4', '--block: expected 16, 32, 64, 128, 256, found 48'],
    ['--block 64', '--block is for --weights int4'],
    ['--percentile 99', '--percentile is for --range percentile'],
    ['--range percentile --percentile 20', '--percentile: expected more than 50 and at most 100, found 20'],
    ['--activations float --range mse', '--range is for --activations uint8 or int8, found float'],
    ['--activations dynamic --asymmetric', '--asymmetric is for other --activations than dynamic'],
    ['--judges 10', '--judges is for --max-drop'],
    ['--rounding nearest --damp 0.1', '--damp is for --rounding gptq'],
    ['--include nothing', '--include: no prunable tensor is named nothing'],
  ])('%s', async (flags, message) => {
    const out = outIn()
    expect(await refusal(quantize(out, flags))).toContain(message)
    expect(existsSync(out)).toBe(false)
  })

  it('a name that is not of an ONNX model, and a file that is there', async () => {
    const out = join(temporaryFolder(), 'out.safetensors')
    expect(await refusal(quantize(out))).toBe(`${out}: expected a name that ends in .onnx`)
    const there = outIn()
    writeFileSync(there, 'mine')
    expect(await refusal(quantize(there))).toBe(`${there} exists already; --force writes over it`)
    expect(readFileSync(there, 'utf8')).toBe('mine')
  })

  it('what is quantized already, without a trace', async () => {
    const [first, second] = [outIn(), outIn()]
    await quantize(first, '--samples 10')
    expect(await refusal(quantize(second, '--samples 10', first))).toMatch(/^\S+ is quantized already: it has a /)
    expect(readdirSync(join(second, '..'))).toEqual([])
  })

  it.each([
    [['--quantize', 'int8'], '--quantize int8 needs --data, which calibrates (--method magnitude)'],
    [
      ['--quantize', 'int8', '--data', 'synthetic', '--dtype', 'float16'],
      '--dtype float16 has no effect with --quantize',
    ],
    [['--quantize', 'int5', '--data', 'synthetic'], '--quantize: there is no int5'],
  ])('prune %s', async (flags, message) => {
    const out = outIn()
    const args = ['prune', file, '--method', 'magnitude', '--sparsity', '0.5', ...flags, '-o', out]
    expect(await refusal(espalier(args))).toContain(message)
    expect(existsSync(out)).toBe(false)
  })
})
