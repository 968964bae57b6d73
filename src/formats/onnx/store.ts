/** @file How a model's floats are stored: all values, only nonzeros with their places, or in half precision. */
import { create } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProtoSchema,
} from 'onnx-buf'
import { toFloats } from '../safetensors-bytes.ts'
import { mapBodies, namesRead, type Path } from './bodies.ts'
import { changed } from './changed.ts'
import { type AnyTensor, isSparse, keyOf, mapPlaces, nameOf, placesOf, storedValue, withStoredValue } from './places.ts'
import { floatsAs, placesOfNonzeros, sparseForm, withValues } from './rewrite.ts'
import { dtypes, isFloating, readTensor } from './tensor.ts'

/** A model in another form, and what of it could not take that form, each with the reason. */
export interface Stored {
  model: ModelProto
  notes: string[]
}

/** Bytes of one index of a nonzero. */
const INDEX_BYTES = 8
/** The version of the file format that has sparse tensors, and that of the operators whose Constant may be one. */
const SPARSE_SINCE = { ir: 6n, opset: 11 }

/**
 * Tensors as SparseTensorProto where that is smaller: where more than two thirds of float32 values are zero. Those that a runtime could not load so (outputs
 * of their graph, inputs with a default) stay dense. Values must be inside of the model.
 */
export function sparsely(model: ModelProto): Stored {
  const opset = opsetOf(model)
  const notes: string[] = []
  const named = namesOfInterfaces(model)
  const stays = new Set<string>()
  const sparse = mapPlaces(model, ({ key, kind, tensor }) => {
    if (isSparse(tensor) || !isFloating(dtypes[tensor.dataType])) return tensor
    const dense = readTensor(tensor, `tensor ${key}`, inside)
    const places = placesOfNonzeros(dense)
    const width = dense.data.length / dense.shape.reduce((n, size) => n * size, 1)
    if (!(places.length * (width + INDEX_BYTES) < dense.data.length)) return tensor
    if (named.has(key) || (kind === 'constant' && opset < SPARSE_SINCE.opset)) {
      stays.add(key)
      return tensor
    }
    return sparseForm(dense, places, { values: { name: tensor.name, docString: tensor.docString } })
  })
  if (stays.size > 0)
    notes.push(`stored with all values, since a runtime could not load it otherwise: ${[...stays].join(', ')}`)
  if (sparse === model || model.irVersion >= SPARSE_SINCE.ir) return { model: sparse, notes }
  notes.push(
    `the version of the file format is raised from ${model.irVersion} to ${SPARSE_SINCE.ir}, which sparse tensors need`,
  )
  return { model: changed(ModelProtoSchema, sparse, { irVersion: SPARSE_SINCE.ir }), notes }
}

/** All values are inside of a model that is being written. */
const inside = (location: string): never => {
  throw new Error(`values in ${location} are not inside of the model`)
}

const opsetOf = ({ opsetImport }: ModelProto) =>
  Number(opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 1n)

/** Keys of names that are inputs or outputs of their graph. */
function namesOfInterfaces(model: ModelProto): Set<string> {
  const keys = new Set<string>()
  mapBodies(model, (body, path) => {
    for (const { name } of [...body.input, ...body.output]) keys.add(keyOf(path, name))
    return body
  })
  for (const { name, domain, overload, output } of model.functions)
    for (const one of output) keys.add(keyOf(`${[domain, name, overload].filter(Boolean).join('.')}/`, one))
  return keys
}

/**
 * Weights (float32, two axes or more) in half precision: stored as `<name>.float16`, and made float32 again by a Cast that has their name. A tensor with
 * values beyond the largest half, 65,504, stays as it is.
 */
export function inHalves(model: ModelProto): Stored {
  const stays: string[] = []
  const halved = new Map<string, AnyTensor>()
  for (const { key, tensor } of placesOf(model)) {
    if (isSparse(tensor) || tensor.dataType !== DataType.FLOAT || tensor.dims.length < 2) continue
    const dense = readTensor(tensor, `tensor ${key}`, inside)
    const floats = toFloats(dense)
    if (floats.some((value) => Math.abs(value) >= BEYOND && Number.isFinite(value))) stays.push(key)
    else {
      const half = changed(TensorProtoSchema, tensor, { dataType: DataType.FLOAT16 })
      halved.set(key, withValues(half, floatsAs('F16', dense.shape, floats)))
    }
  }
  const opset = opsetOf(model)
  const notes = stays.length === 0 ? [] : [`stays float32, since halves end at 65,504: ${stays.join(', ')}`]
  return { model: mapBodies(model, (body, path) => halfBody(body, path, halved, opset)), notes }
}

/** From here on a float32 becomes an infinite half. */
const BEYOND = 65_520

function halfBody(body: GraphProto, path: Path, halved: ReadonlyMap<string, AnyTensor>, opset: number): GraphProto {
  const taken = new Set([
    ...[...body.initializer, ...body.sparseInitializer].map(nameOf),
    ...body.node.flatMap((node) => [...node.output, ...namesRead(node)]),
  ])
  const halfName = (name: string) => {
    let free = `${name}.float16`
    for (let i = 2; taken.has(free); i++) free = `${name}.float16.${i}`
    return free
  }
  const weights = body.initializer.filter(({ name }) => halved.has(keyOf(path, name)))
  const half = (name: string) => halved.get(keyOf(path, name)) as GraphProto['initializer'][number]
  const node = body.node.flatMap((one): NodeProto[] => {
    const [name] = one.output
    if (!storedValue(one) || !halved.has(keyOf(path, name))) return [one]
    const stored = changed(NodeProtoSchema, withStoredValue(one, half(name)), { output: [halfName(name)] })
    return [stored, castNode(name, halfName(name), opset)]
  })
  if (weights.length === 0 && node.length === body.node.length) return body
  const names = new Set(weights.map(({ name }) => name))
  return changed(GraphProtoSchema, body, {
    initializer: body.initializer.map((tensor) =>
      names.has(tensor.name) ? changed(TensorProtoSchema, half(tensor.name), { name: halfName(tensor.name) }) : tensor,
    ),
    node: [...weights.map(({ name }) => castNode(name, halfName(name), opset)), ...node],
    // Before version 4 of the format initializers were inputs, too.
    input: body.input.filter(({ name }) => !names.has(name)),
  })
}

function castNode(name: string, half: string, opset: number): NodeProto {
  const to =
    opset < 6
      ? { name: 'to', type: AttributeType.STRING, s: new TextEncoder().encode('FLOAT') }
      : { name: 'to', type: AttributeType.INT, i: BigInt(DataType.FLOAT) }
  return create(NodeProtoSchema, {
    ...{ opType: 'Cast', name: `${name}.cast`, input: [half], output: [name], attribute: [to] },
  })
}
