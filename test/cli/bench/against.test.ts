/** @file `espalier bench --against` beside ONNX Runtime, as people call it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TensorProto_DataType as DataType } from 'onnx-buf'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Measured } from '../../../src/cli/bench/measure.ts'
import { median } from '../../../src/cli/bench/turns.ts'
import { writeSafetensors } from '../../../src/formats/safetensors.ts'
import { type Written, written } from '../../formats/onnx/build.ts'
import { normal } from '../../formats/onnx/same.ts'
import { breadth, isFull } from '../../support/breadth.ts'
import { prunedCase } from '../../support/pruned-case.ts'
import { compiled, espalier, jsonLines } from '../cli.ts'
import { temporaryFolder } from '../temporary.ts'

beforeAll(compiled, 180_000)

const QUICK = ['--rounds', '1', '--batch', '1', '--threads', '1']

/** Writes a model beside others. */
function stored(name: string, model: Written): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, written(model))
  return path
}

interface Report {
  sparsity: number
  files: Record<string, number>
  results: Measured[]
}

async function report(...args: string[]): Promise<Report> {
  const { code, stdout, stderr } = await espalier(['bench', ...args, '--json'])
  expect(code, stderr).toBe(0)
  const [value] = jsonLines(stdout)
  return value as unknown as Report
}

async function refusal(...args: string[]): Promise<string> {
  const { code, stderr } = await espalier(['bench', ...args])
  expect(code).toBe(1)
  return stderr
}

const floats = (shape: readonly number[], seed: string) => ({ shape, values: normal(shape, seed) })

/** Images of 5 x 4 pixels and three channels, which come last, to the softmax of four scores. */
const channelsLast: Written = {
  input: [-1, 5, 4, 3],
  stored: { w: floats([6, 3, 3, 3], 'w'), m: floats([6, 4], 'm') },
  steps: [
    { op: 'Transpose', inputs: ['x'], attributes: { perm: [0, 3, 1, 2] } },
    { op: 'Conv', inputs: ['v1', 'w'], attributes: { pads: [1, 1, 1, 1] } },
    { op: 'Relu', inputs: ['v2'] },
    { op: 'GlobalAveragePool', inputs: ['v3'] },
    { op: 'Flatten', inputs: ['v4'] },
    { op: 'MatMul', inputs: ['v5', 'm'] },
    { op: 'Softmax', inputs: ['v6'], attributes: { axis: 1 } },
  ],
}

/** x [batch, 6] times a matrix. */
const product = (batch: number, values = normal([6, 3], 'w')): Written => ({
  input: [batch, 6],
  stored: { w: { shape: [6, 3], values } },
  steps: [{ op: 'MatMul', inputs: ['x', 'w'] }],
})

it('weights of a built-in network: every batch, thread count and runtime, with the same outputs', {
  timeout: 120_000,
}, async () => {
  const path = join(temporaryFolder(), 'lenet.safetensors')
  writeSafetensors(path, prunedCase('lenet-5').file)
  const batches = breadth([3], [1, 3])
  const flags = [
    '--against',
    'onnxruntime,onnxruntime-web',
    '--batch',
    batches.join(),
    '--threads',
    '1,2',
    '--rounds',
    '2',
  ]
  const { sparsity, files, results } = await report(path, ...flags)
  expect(sparsity).toBeCloseTo(0.9, 2)
  expect(Object.keys(files)).toEqual([path, `${path} as an ONNX model`])
  expect(files[`${path} as an ONNX model`]).toBeGreaterThan(4 * 431_080)
  const own = ({ name }: Measured) => name.startsWith('espalier')
  expect(results.map(({ batch, threads, name }) => `${batch} ${threads} ${name}`)).toEqual(
    batches.flatMap((batch) => [
      `${batch} 1 espalier`,
      `${batch} 1 onnxruntime`,
      `${batch} 2 espalier`,
      `${batch} 2 onnxruntime`,
      `${batch} 1 espalier wasm`,
      `${batch} 1 onnxruntime-web`,
    ]),
  )
  for (const [i, one] of results.entries()) {
    expect(one.rounds).toHaveLength(2)
    expect(one.memory).toBeGreaterThan(one.memoryBefore)
    expect(one.memoryBefore).toBeGreaterThan(2 ** 24)
    if (own(one)) expect([one.speedup, one.difference]).toEqual([undefined, undefined])
    else {
      expect(one.difference).toBeLessThan(1e-5)
      expect(one.speedup).toBeCloseTo(median(one.rounds.map((ms, k) => ms / results[i - 1].rounds[k])), 6)
    }
  }
  expect(results[0].description).toMatch(/^espalier (native|wasm) .*, 1 thread$/)
  expect(results[3].description).toMatch(/^onnxruntime-node 1\.\d+\.\d+, 2 threads$/)
  expect(results[4].description).toMatch(/^espalier wasm /)
})

describe('ONNX models', () => {
  it('channels last, a softmax at the end: outputs are compared as the file has them', async () => {
    const path = stored('last.onnx', channelsLast)
    const runtimes = breadth(['onnxruntime'], ['onnxruntime', 'onnxruntime-web'])
    const { results } = await report(path, '--against', runtimes.join(), ...QUICK, '--batch', '2')
    expect(results.filter(({ difference }) => difference !== undefined)).toHaveLength(runtimes.length)
    for (const { difference = 0 } of results) expect(difference).toBeLessThan(1e-5)
  })

  it('a batch that is fixed is the one that is measured; another is refused', async () => {
    const path = stored('fixed.onnx', product(4))
    const flags = ['--against', 'onnxruntime', '--threads', '1', '--rounds', '1']
    const { code, stdout, stderr } = await espalier(['bench', path, ...flags])
    expect(code).toBe(0)
    // What takes longer than two seconds is told.
    expect(stderr.replace(/^\d+ s left, .*\n/gm, '')).toBe(
      `note: ${path} is for batches of 4: no other size is measured\n`,
    )
    expect(stdout).toContain('\nBatch 4:\n')
    expect(await refusal(path, ...flags, '--batch', '4,5')).toBe(
      `espalier: --batch: ${path} is for batches of 4, found 5, which other runtimes refuse\n`,
    )
  })

  it('sizes of images that are left open are those of --crop', async () => {
    const { input: _, ...rest } = channelsLast
    const path = stored('open.onnx', { ...rest, input: [-1, -1, -1, 3] })
    expect(await refusal(path, '--against', 'onnxruntime', ...QUICK)).toMatch(/say how large images are with --crop/)
    const { results } = await report(path, '--against', 'onnxruntime', '--crop', '7', '--layout', 'nhwc', ...QUICK)
    expect(results[1].difference).toBeLessThan(1e-5)
  })

  it('what only runs here ends in a sentence', async () => {
    // ONNX Runtime multiplies no floats by doubles.
    const { input, steps } = product(-1)
    const path = stored('mixed.onnx', {
      input,
      steps,
      stored: { w: { ...floats([6, 3], 'w'), type: DataType.DOUBLE } },
    })
    expect(await refusal(path, '--against', 'onnxruntime', ...QUICK)).toMatch(
      /^espalier: .*mixed\.onnx does not run in onnxruntime-node: [^\n]+\n$/,
    )
  })
})

describe('--int8', () => {
  const values = normal([6, 3], 'w')
  const scale = Math.max(...values.map(Math.abs)) / 127
  const quantized = (width: number): Written => ({
    input: [-1, width],
    stored: {
      q: {
        shape: [width, 3],
        values: Array.from({ length: 3 * width }, (_, i) => Math.round((values[i] ?? 0) / scale)),
        type: DataType.INT8,
      },
      s: { shape: [], values: [scale] },
    },
    steps: [
      { op: 'DequantizeLinear', inputs: ['q', 's'] },
      { op: 'MatMul', inputs: ['x', 'v1'] },
    ],
  })

  it('is one more runtime, whose outputs differ by its rounding, without a warning', async () => {
    const int8 = stored('int8.onnx', quantized(6))
    const flags = ['--against', 'onnxruntime', '--int8', int8]
    const path = stored('float.onnx', product(-1))
    const { stdout } = await espalier(['bench', path, ...flags, ...QUICK], { columns: 100 })
    expect(stdout).not.toContain('warning')
    for (const line of stdout.split('\n').filter((line) => line.startsWith('|'))) expect(line.length).toBeLessThan(100)
    const row = /\| onnxruntime int8 \| +[\d.]+ \| +[\d.]+ to [\d.]+ \| +[\d.]+x \| +\d+ MB \| ([\d.]+e-\d) \|/.exec(
      stdout,
    )
    const difference = Number(row?.[1])
    expect([difference > 1e-4, difference < 0.02], stdout).toEqual([true, true])
  })

  it.runIf(isFull)('says so in JSON', async () => {
    const int8 = stored('int8.onnx', quantized(6))
    const path = stored('float.onnx', product(-1))
    const { results, files } = await report(path, '--against', 'onnxruntime', '--int8', int8, ...QUICK)
    expect(results.map(({ name }) => name)).toEqual(['espalier', 'onnxruntime', 'onnxruntime int8'])
    expect(results[2].difference).toBeGreaterThan(1e-4)
    expect(results[2].difference).toBeLessThan(0.02)
    expect(Object.keys(files)).toEqual([path, int8])
  })

  it('takes the images of the network', async () => {
    const int8 = stored('wide.onnx', quantized(8))
    expect(await refusal(stored('float.onnx', product(-1)), '--against', 'onnxruntime', '--int8', int8, ...QUICK)).toBe(
      `espalier: --int8: ${int8} takes images of 1 x 1 x 8, expected the 1 x 1 x 6 of the network\n`,
    )
  })
})

it('flags that would be ignored, and unknown runtimes, are refused', async () => {
  const path = stored('m.onnx', product(-1))
  expect(await refusal(path, '--int8', path)).toBe(
    'espalier: --int8 is for --against, which says what the network is compared with\n',
  )
  expect(await refusal(path, '--threads', '2')).toMatch(/^espalier: --threads is for --against, /)
  expect(await refusal(path, '--against', 'onnxruntime,onnxrutime-web')).toBe(
    'espalier: --against: there is no onnxrutime-web (did you mean onnxruntime-web?)\n',
  )
  expect(await refusal(path, '--against', 'onnxruntime', '--threads', '0')).toMatch(/^espalier: --threads: expected /)
})
