/**
 * @file Models of any inputs and outputs, run here as they are (wholeNetwork) and by ONNX Runtime: shapes and
 * values of all outputs are compared.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { TensorProto_DataType as DataType, ModelProtoSchema, ValueInfoProtoSchema } from 'onnx-buf'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect } from 'vitest'
import { compile } from '../../../src/engine/compile.ts'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { type Whole, wholeNetwork } from '../../../src/formats/onnx/whole-network.ts'
import { differentiate } from '../../../src/graph/differentiate.ts'
import { Graph } from '../../../src/graph/graph.ts'
import { random } from '../../../src/util/random.ts'
import { best } from '../../support/engines.ts'
import { weightedSum } from '../../support/finite-differences.ts'
import { type Written, written } from './build.ts'
import { normal } from './same.ts'

export interface GivenInput {
  /** With -1 where axis 0 runs over any number of samples. */
  shape: readonly number[]
  type?: DataType
  /** Default: normally distributed. The same for every batch but for their number. */
  values?: (count: number) => readonly number[]
}

export interface WholeModel extends Omit<Written, 'input'> {
  inputs: Readonly<Record<string, GivenInput>>
  /** Names. Default y. */
  outputs?: readonly string[]
}

const dimOf = (n: number) =>
  n < 0
    ? { value: { case: 'dimParam' as const, value: 'N' } }
    : { value: { case: 'dimValue' as const, value: BigInt(n) } }

const info = (name: string, elemType: DataType, shape?: readonly number[]) =>
  create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType, shape: shape && { dim: shape.map(dimOf) } } } },
  })

/** The bytes of a model with these inputs and outputs. Types of outputs are left to whoever reads it. */
export function wholeBytes({ inputs, outputs = ['y'], ...model }: WholeModel): Uint8Array {
  const proto = fromBinary(ModelProtoSchema, written({ ...model, input: [1] }))
  proto.graph!.input = Object.entries(inputs).map(([name, { shape, type = DataType.FLOAT }]) => info(name, type, shape))
  proto.graph!.output = outputs.map((name) => create(ValueInfoProtoSchema, { name }))
  return toBinary(ModelProtoSchema, proto)
}

const OPTIONS = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 as const }

const toTensor = (type: DataType, values: readonly number[], shape: readonly number[]) =>
  type === DataType.INT64
    ? new Tensor(
        'int64',
        BigInt64Array.from(values, (x) => BigInt(x)),
        shape,
      )
    : new Tensor('float32', Float32Array.from(values), shape)

interface Result {
  shape: readonly number[]
  values: number[]
}

/** Values of the inputs of a batch. */
function drawn({ inputs }: WholeModel, batch: number): Map<string, Result> {
  return new Map(
    Object.entries(inputs).map(([name, { shape: open, values }]) => {
      const shape = open.map((n) => (n < 0 ? batch : n))
      const count = shape.reduce((a, b) => a * b, 1)
      return [name, { shape, values: [...(values?.(count) ?? normal(shape, name))] }]
    }),
  )
}

async function byRuntime(model: WholeModel, given: ReadonlyMap<string, Result>): Promise<Map<string, Result>> {
  const session = await InferenceSession.create(wholeBytes(model), OPTIONS)
  const feeds = [...given].map(([name, { shape, values }]) => {
    return [name, toTensor(model.inputs[name].type ?? DataType.FLOAT, values, shape)] as const
  })
  const results = await session.run(Object.fromEntries(feeds))
  const read = session.outputNames.map((name) => {
    const { data, dims } = results[name]
    return [name, { shape: dims, values: Array.from(data as ArrayLike<number | bigint>, Number) }] as const
  })
  await session.release()
  return new Map(read)
}

/** A model as a graph of ours. */
export const wholeOf = (model: WholeModel, batch: number): Whole =>
  wholeNetwork(parseOnnx(wholeBytes(model), 'model.onnx'), { layout: 'NCHW' }, batch)

function byGraph({ graph, values, lacking }: Whole, given: ReadonlyMap<string, Result>): Map<string, Result> {
  if (lacking.length > 0) throw new Error(lacking[0].reason)
  const program = compile(best, { graph })
  for (const [name, stored] of values) program.view(name).set(stored)
  const names = [...given.keys()]
  for (const [i, { name }] of graph.withRole('input').entries())
    program.write('graph', name, given.get(given.has(name) ? name : names[i])!.values)
  program.run('graph')
  return new Map(
    [...graph.outputs].map(([name, { shape }]) => [name, { shape, values: [...program.read('graph', name)] }]),
  )
}

/** Fails where an output differs in shape, or by more than `tolerance` of its largest value. */
export async function expectWhole(model: WholeModel, { batches = [1, 3], tolerance = 2e-5 } = {}): Promise<void> {
  for (const batch of batches) {
    const given = drawn(model, batch)
    const expected = await byRuntime(model, given)
    const found = byGraph(wholeOf(model, batch), given)
    for (const [name, { shape, values }] of expected) {
      const got = found.get(name)
      expect(got?.shape, `${name}, batch ${batch}`).toEqual(shape)
      const largest = values.reduce((most, x) => Math.max(most, Number.isFinite(x) ? Math.abs(x) : 0), 1e-30)
      const worst = values.findIndex(
        (x, i) => !(Object.is(x, got!.values[i]) || Math.abs(x - got!.values[i]) <= tolerance * largest),
      )
      expect(worst < 0 ? 'equal' : [name, batch, worst, got!.values[worst], values[worst]]).toBe('equal')
    }
  }
}

/** Whether all that a model computes has gradients: those of a sum of its outputs in its parameters. */
export function parametersWithGradients(model: WholeModel): string[] {
  const graph = new Graph(wholeOf(model, 2).graph)
  const sum = weightedSum(graph, [...graph.outputs.values()], random(1, 'weights'))
  const parameters = graph.withRole('parameter')
  const { gradients } = differentiate(graph, sum, parameters)
  return parameters.filter((_, i) => gradients[i].role === 'value').map(({ name }) => name)
}

/** Why a model does not run here. */
export function refusalOf(model: WholeModel): string {
  try {
    return wholeOf(model, 1).lacking[0]?.reason ?? 'it runs'
  } catch (error) {
    return (error as Error).message
  }
}
