/**
 * @file How a model's floats are stored: all values, only nonzeros with their places, or in half precision.
 */
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
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf'
import { toFloats } from '../safetensors-bytes.ts'
import { mapBodies, type Path } from './bodies.ts'
import { changed } from './changed.ts'
import {
  type AnyTensor,
  isSparse,
  keyOf,
  mapPlaces,
  nameOf,
  placesOf,
  storedValue,
  typeOf,
  withStoredValue,
} from './places.ts'
import { floatsAs, placesOfNonzeros, sparseForm, withValues } from './rewrite.ts'
import { dtypes, isFloating, readTensor } from './tensor.ts'

/** A model in another form, and what of it could not take that form, each with the reason. */
export interface Stored {
  model: ModelProto
  notes: string[]
}

/** Bytes of one index of a nonzero. */
const INDEX_BYTES = 8
/**
 * The version of the file format that has sparse tensors, and that of the operators whose Constant may be
 * one.
 */
const SPARSE_SINCE = { ir: 6n, opset: 11 }

/**
 * Tensors as SparseTensorProto where that is smaller: where more than two thirds of float32 values are zero.
 * Those that a runtime could not load so (outputs of their graph, inputs with a default) stay dense. Values
 * must be inside of the model.
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
 * Weights (float32, two axes or more) in half precision: stored as `<name>.float16`, and made float32 again
 * by a Cast that has their name. A tensor with values beyond the largest half, 65,504, stays as it is.
 */
export function inHalves(model: ModelProto): Stored {
  const reasons = new Map<string, string[]>()
  const stays = (key: string, reason: string) => reasons.set(reason, [...(reasons.get(reason) ?? []), key])
  const halved = new Map<string, AnyTensor>()
  const places = placesOf(model)
  const names = namesOf(model)
  for (const { key, name, path, tensor } of places) {
    if (tensor.dims.length < 2 || !isFloating(dtypes[typeOf(tensor)]) || typeOf(tensor) === DataType.FLOAT16) continue
    if (isSparse(tensor) || tensor.dataType !== DataType.FLOAT) {
      stays(key, 'stays as it is, since it is not all values of float32')
      continue
    }
    const dense = readTensor(tensor, `tensor ${key}`, inside)
    const floats = toFloats(dense)
    // The output of a Cast must not have the name of anything in a graph around it or inside of it.
    if (names.get(name)! > 1 && (path !== '' || places.some((one) => one.name === name && one.path !== path)))
      stays(key, 'stays float32, since several graphs have that name')
    else if (floats.some((value) => Math.abs(value) >= BEYOND && Number.isFinite(value)))
      stays(key, 'stays float32, since halves end at 65,504')
    else {
      const half = changed(TensorProtoSchema, tensor, { dataType: DataType.FLOAT16 })
      halved.set(key, withValues(half, floatsAs('F16', dense.shape, floats)))
    }
  }
  const opset = opsetOf(model)
  const taken = new Set(names.keys())
  const free = (wanted: string) => {
    let name = wanted
    for (let i = 2; taken.has(name); i++) name = `${wanted}.${i}`
    taken.add(name)
    return name
  }
  const notes = [...reasons].map(([reason, keys]) => `${reason}: ${keys.join(', ')}`)
  return { model: mapBodies(model, (body, path) => halfBody(body, path, { halved, opset, free })), notes }
}

/**
 * All names of values and nodes of a model, with the number of graphs that store or compute something of that
 * name.
 */
function namesOf(model: ModelProto): Map<string, number> {
  const names = new Map<string, number>()
  mapBodies(model, (body) => {
    const made = new Set([
      ...body.input.map(({ name }) => name),
      ...[...body.initializer, ...body.sparseInitializer].map(nameOf),
      ...body.node.flatMap(({ output }) => output),
    ])
    for (const name of made) names.set(name, (names.get(name) ?? 0) + 1)
    for (const { name } of body.node) if (name !== '' && !names.has(name)) names.set(name, 0)
    return body
  })
  return names
}

/** From here on a float32 becomes an infinite half. */
const BEYOND = 65_520

interface Halving {
  halved: ReadonlyMap<string, AnyTensor>
  opset: number
  /** A name that nothing has yet. */
  free: (wanted: string) => string
}

function halfBody(body: GraphProto, path: Path, { halved, opset, free }: Halving): GraphProto {
  const half = (name: string) => halved.get(keyOf(path, name)) as GraphProto['initializer'][number]
  const names = new Map<string, string>()
  const casts: NodeProto[] = []
  const initializer = body.initializer.map((tensor) => {
    const made = half(tensor.name)
    if (!made) return tensor
    const name = free(`${tensor.name}.float16`)
    names.set(tensor.name, name)
    casts.push(castNode(tensor.name, name, { opset, free }))
    return changed(TensorProtoSchema, made, { name })
  })
  const node = body.node.flatMap((one): NodeProto[] => {
    const [output] = one.output
    const made = storedValue(one) && half(output)
    if (!made) return [one]
    const name = free(`${output}.float16`)
    const stored = changed(NodeProtoSchema, withStoredValue(one, made), { output: [name] })
    return [stored, castNode(output, name, { opset, free })]
  })
  if (names.size === 0 && node.length === body.node.length) return body
  // Before version 4 of the format initializers were inputs, too.
  const input = body.input.map((info) =>
    names.has(info.name) ? changed(ValueInfoProtoSchema, asHalf(info), { name: names.get(info.name) }) : info,
  )
  return changed(GraphProtoSchema, body, { initializer, node: [...casts, ...node], input })
}

/** What an input says of its type, in halves. */
function asHalf(info: ValueInfoProto): ValueInfoProto {
  if (info.type?.value.case !== 'tensorType') return info
  const value = changed(TypeProto_TensorSchema, info.type.value.value, { elemType: DataType.FLOAT16 })
  const type = changed(TypeProtoSchema, info.type, { value: { case: 'tensorType', value } })
  return changed(ValueInfoProtoSchema, info, { type })
}

function castNode(name: string, half: string, { opset, free }: Omit<Halving, 'halved'>): NodeProto {
  const to =
    opset < 6
      ? { name: 'to', type: AttributeType.STRING, s: new TextEncoder().encode('FLOAT') }
      : { name: 'to', type: AttributeType.INT, i: BigInt(DataType.FLOAT) }
  return create(NodeProtoSchema, {
    opType: 'Cast',
    name: free(`${name}.cast`),
    input: [half],
    output: [name],
    attribute: [to],
  })
}
