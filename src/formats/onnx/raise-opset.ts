/**
 * @file A model of older operators as one of version 13 of ONNX's operators, which has scales of channels:
 * what was an attribute becomes an input, and what means something else there is said otherwise. Sources:
 * ONNX's changelog of operators.
 */
import { create } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
} from 'onnx-buf'
import { type Shape, sizeOf } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import type { StoredTensor } from '../safetensors-bytes.ts'
import { graphsOf, namesRead } from './bodies.ts'
import { changed } from './changed.ts'
import { type OnnxFile, openModel } from './file.ts'
import { Operation } from './operation.ts'
import { denseTensor } from './rewrite.ts'

export const RAISED = { from: 7, to: 13, ir: 7n } as const

/** What a rule makes new nodes with. */
interface Tools {
  /** Name of a stored tensor. */
  store(name: string, tensor: StoredTensor): string
  /** A name that nothing has. */
  fresh(name: string): string
  /** Of a value of the model. Throws UserError where it is not known. */
  shapeOf(name: string): Shape
}

type Rule = (node: NodeProto, operation: Operation, tools: Tools) => NodeProto[]

const wholes = (values: readonly number[], shape: readonly number[] = [values.length]): StoredTensor => ({
  dtype: 'I64',
  shape: [...shape],
  data: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
})
const floats = (values: readonly number[], shape: readonly number[] = []): StoredTensor => ({
  dtype: 'F32',
  shape: [...shape],
  data: new Uint8Array(Float32Array.from(values).buffer),
})

/** The node without some attributes, and with others. */
function renewed(
  node: NodeProto,
  without: readonly string[],
  more: Partial<Pick<NodeProto, 'opType' | 'input' | 'output'>> & { with?: AttributeProto[] },
) {
  const { with: added = [], ...fields } = more
  const names = new Set([...without, ...added.map(({ name }) => name)])
  const attribute = [...node.attribute.filter(({ name }) => !names.has(name)), ...added]
  return changed(NodeProtoSchema, node, { ...fields, attribute })
}

const integer = (name: string, value: number) =>
  create(NodeProtoSchema, { attribute: [{ name, type: AttributeType.INT, i: BigInt(value) }] }).attribute[0]
const text = (name: string, value: string) =>
  create(NodeProtoSchema, {
    attribute: [{ name, type: AttributeType.STRING, s: new TextEncoder().encode(value) }],
  }).attribute[0]

/** A list of whole numbers that becomes the second input. */
const listed =
  (name: string): Rule =>
  (node, operation, { store }) => {
    const list = operation.integers(name)
    if (!list) return [node]
    return [renewed(node, [name], { input: [node.input[0], store(`${node.output[0]}_${name}`, wholes(list))] })]
  }

/** Over all axes from one on, which later versions are over that axis alone. */
const flattened: Rule = (node, operation, { fresh, store, shapeOf }) => {
  const [x] = node.input
  const shape = shapeOf(x)
  const asked = operation.integer('axis', 1)
  const axis = asked < 0 ? asked + shape.length : asked
  if (sizeOf(shape.slice(axis + 1)) === 1) return [renewed(node, [], { with: [integer('axis', axis)] })]
  const [y] = node.output
  const [rows, scores] = [fresh(`${y}_rows`), fresh(`${y}_flat`)]
  const to = store(`${y}_shape`, wholes([-1, ...shape.slice(1)]))
  return [
    create(NodeProtoSchema, { opType: 'Flatten', input: [x], output: [rows], attribute: [integer('axis', axis)] }),
    renewed(node, [], { input: [rows], output: [scores], with: [integer('axis', -1)] }),
    create(NodeProtoSchema, { opType: 'Reshape', input: [scores, to], output: [y] }),
  ]
}

/** Resize of version 10, and Upsample: places are counted from the corner. */
const resized: Rule = (node, operation, { store }) => {
  const own = operation.floats('scales')
  const scales = own ? store(`${node.output[0]}_scales`, floats(own, [own.length])) : node.input[1]
  return [
    renewed(node, ['scales'], {
      opType: 'Resize',
      input: [node.input[0], '', scales],
      with: [text('coordinate_transformation_mode', 'asymmetric'), text('nearest_mode', 'floor')],
    }),
  ]
}

const limits: Rule = (node, operation, { store }) => {
  const [y] = node.output
  const [none, end] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  const [least, most] = [operation.float('min', none), operation.float('max', end)]
  const low = least === none ? '' : store(`${y}_min`, floats([least]))
  const input = [node.input[0], low, ...(most === end ? [] : [store(`${y}_max`, floats([most]))])]
  return [renewed(node, ['min', 'max'], { input })]
}

const padded: Rule = (node, operation, { store }) => {
  const [y] = node.output
  const pads = store(`${y}_pads`, wholes(operation.required('pads')))
  const value = operation.float('value', 0)
  const input = [node.input[0], pads, ...(value === 0 ? [] : [store(`${y}_value`, floats([value]))])]
  return [renewed(node, ['pads', 'value'], { input })]
}

const sliced: Rule = (node, operation, { store }) => {
  const input = ['starts', 'ends', 'axes'].flatMap((name) => {
    const list = operation.integers(name)
    return list ? [store(`${node.output[0]}_${name}`, wholes(list))] : []
  })
  return [renewed(node, ['starts', 'ends', 'axes'], { input: [node.input[0], ...input] })]
}

const without =
  (...names: string[]): Rule =>
  (node) => [renewed(node, names, {})]

/** By operator: the versions before which it needs the rule. */
const RULES: Readonly<Record<string, readonly [before: number, rule: Rule]>> = {
  Softmax: [13, flattened],
  LogSoftmax: [13, flattened],
  Hardmax: [13, flattened],
  Squeeze: [13, listed('axes')],
  Unsqueeze: [13, listed('axes')],
  ReduceSum: [13, listed('axes')],
  Split: [13, listed('split')],
  Dropout: [12, without('ratio')],
  Clip: [11, limits],
  Pad: [11, padded],
  Scatter: [11, (node) => [renewed(node, [], { opType: 'ScatterElements' })]],
  Resize: [11, resized],
  Upsample: [11, resized],
  Slice: [10, sliced],
  TopK: [
    10,
    (node, operation, { store }) => [
      renewed(node, ['k'], {
        input: [node.input[0], store(`${node.output[0]}_k`, wholes([operation.integer('k', 1)]))],
      }),
    ],
  ],
  BatchNormalization: [9, without('spatial')],
}

/**
 * The model with operators of version 13, where it has older ones; itself otherwise. `shapeOf`: shapes of its
 * values, undefined where they are not known. Throws UserError where operators are older than version 7,
 * where nodes have graphs of their own, or where a shape that is needed is not known.
 */
export function raiseOpset(file: OnnxFile, shapeOf: (name: string) => Shape | undefined): OnnxFile {
  const { opset, path, graph, proto } = file
  if (opset >= RAISED.to) return file
  const cannot = (why: string) =>
    new UserError(
      `${path} uses version ${opset} of ONNX's operators, expected ${RAISED.to} or later, and cannot be raised to it: ${why}; export it again with opset 17`,
    )
  if (opset < RAISED.from) throw cannot(`expected version ${RAISED.from} or later`)
  if (proto.functions.length > 0) throw cannot('it has functions')
  const inner = graph.node.find((node) => graphsOf(node).length > 0)
  if (inner) throw cannot(`${inner.name || inner.output[0]} (${inner.opType}) has graphs of its own`)
  const names = new Set([
    ...graph.node.flatMap((node) => [...node.output, ...namesRead(node)]),
    ...[...graph.initializer, ...graph.input].map(({ name }) => name),
  ])
  const stored: TensorProto[] = []
  const fresh = (wanted: string): string => {
    let name = wanted
    for (let i = 2; names.has(name); i++) name = `${wanted}.${i}`
    names.add(name)
    return name
  }
  const tools: Tools = {
    fresh,
    store(wanted, tensor) {
      const name = fresh(wanted)
      stored.push(denseTensor(tensor, name))
      return name
    },
    shapeOf(name) {
      const shape = shapeOf(name)
      if (!shape) throw cannot(`the shape of ${name} is not known`)
      return shape
    },
  }
  const node = graph.node.flatMap((one) => {
    const [before, rule] = one.domain === '' || one.domain === 'ai.onnx' ? (RULES[one.opType] ?? [0]) : [0]
    return rule && opset < before ? rule(one, new Operation(one, opset), tools) : [one]
  })
  const opsetImport = proto.opsetImport.map((one) =>
    one.domain === '' || one.domain === 'ai.onnx' ? { ...one, version: BigInt(RAISED.to) } : one,
  )
  const raised = changed(ModelProtoSchema, proto, {
    irVersion: proto.irVersion < RAISED.ir ? RAISED.ir : proto.irVersion,
    opsetImport,
    graph: changed(GraphProtoSchema, graph, { node, initializer: [...graph.initializer, ...stored] }),
  })
  return openModel(raised, path, file.external)
}
