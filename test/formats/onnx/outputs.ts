/** @file All outputs of models, computed here and by ONNX Runtime. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { expect } from 'vitest'
import { compile } from '../../../src/engine/compile.ts'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import type { ImportOptions } from '../../../src/formats/onnx/input.ts'
import { modelInputs, shaped } from '../../../src/formats/onnx/model-inputs.ts'
import { wholeNetwork } from '../../../src/formats/onnx/whole-network.ts'
import { sizeOf } from '../../../src/graph/tensor.ts'
import { best } from '../../support/engines.ts'
import { normal } from './same.ts'

/** Values of inputs, row-major, by name. */
export type Feeds = Readonly<Record<string, readonly number[]>>

interface Result {
  shape: readonly number[]
  values: readonly number[]
}

const OPTIONS = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 as const }

/** A tensor of a type of ours for ONNX Runtime. */
function ortTensor(type: string, shape: readonly number[], values: readonly number[]): OrtTensor {
  if (type === 'I64') return new OrtTensor('int64', BigInt64Array.from(values, BigInt), shape)
  if (type === 'I32') return new OrtTensor('int32', Int32Array.from(values), shape)
  if (type === 'BOOL') return new OrtTensor('bool', Uint8Array.from(values), shape)
  return new OrtTensor('float32', Float32Array.from(values), shape)
}

/** What inputs are where nobody says it: normally distributed. */
const drawn = (name: string, shape: readonly number[]) => normal(shape, `input ${name}`)

/** Outputs as ONNX Runtime computes them for `batch` samples. */
export async function byOnnxRuntime(
  bytes: Uint8Array,
  { feeds = {}, ...options }: ImportOptions & { feeds?: Feeds } = {},
  batch = 1,
): Promise<Map<string, Result>> {
  const file = parseOnnx(bytes, 'm.onnx')
  const session = await InferenceSession.create(bytes, OPTIONS)
  const inputs = shaped(modelInputs(file), batch, options, 'm.onnx').map(({ name, type, shape }) => {
    const given = options.given?.[name]
    const values = given === undefined ? (feeds[name] ?? drawn(name, shape)) : [given]
    return [name, ortTensor(type, shape, values)] as const
  })
  const results = await session.run(Object.fromEntries(inputs))
  await session.release()
  return new Map(
    session.outputNames.map((name) => {
      const { dims, data } = results[name]
      return [name, { shape: dims, values: Array.from(data as Float32Array, Number) }]
    }),
  )
}

/** Outputs as they are computed here. */
export function here(
  bytes: Uint8Array,
  { feeds = {}, ...options }: ImportOptions & { feeds?: Feeds } = {},
  batch = 1,
): Map<string, Result> {
  const { graph, values, lacking } = wholeNetwork(parseOnnx(bytes, 'm.onnx'), options, batch)
  expect(lacking).toEqual([])
  const executable = compile(best, { graph })
  for (const [name, list] of values) if (executable.has(name)) executable.view(name).set(list)
  const [only] = modelInputs(parseOnnx(bytes, 'm.onnx'), options)
  for (const tensor of graph.withRole('input')) {
    const name = tensor.name === 'images' ? only.name : tensor.name
    executable.write('graph', tensor.name, Float32Array.from(feeds[name] ?? drawn(name, tensor.shape)))
  }
  executable.run('graph')
  return new Map(
    [...graph.outputs].map(([name, { shape }]) => [
      name,
      { shape, values: Array.from(executable.read('graph', name)) },
    ]),
  )
}

/** Both agree on all outputs, in shape and to 1e-5 of the largest value. */
export async function expectOutputs(
  bytes: Uint8Array,
  options: ImportOptions & { feeds?: Feeds; tolerance?: number } = {},
  batch = 1,
): Promise<void> {
  const expected = await byOnnxRuntime(bytes, options, batch)
  const found = here(bytes, options, batch)
  expect([...found.keys()]).toEqual([...expected.keys()])
  for (const [name, { shape, values }] of expected) {
    const own = found.get(name)!
    expect([name, ...own.shape]).toEqual([name, ...shape])
    expect(own.values.length).toBe(sizeOf(shape))
    const largest = Math.max(1e-3, ...values.map(Math.abs))
    const apart = Math.max(...values.map((value, i) => Math.abs(value - own.values[i])))
    expect(apart / largest, name).toBeLessThan(options.tolerance ?? 1e-5)
  }
}
