/**
 * @file Where a model stores tensors: initializers, dense or sparse, and Constant nodes, of all of its
 * graphs; each with a key of its own.
 */
import { create } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  type SparseTensorProto,
  type TensorProto,
} from 'onnx-buf'
import { mapBodies, type Path } from './bodies.ts'
import { changed } from './changed.ts'

/** One stored tensor. */
export interface Place {
  /**
   * Unique in a model: in the main graph the tensor's name, elsewhere with the {@link Path} of its graph
   * before it.
   */
  key: string
  /** The name by which nodes of its graph read it. */
  name: string
  path: Path
  kind: 'initializer' | 'constant'
  /** A {@link TensorProto}, or a {@link SparseTensorProto}. */
  tensor: TensorProto | SparseTensorProto
}

export type AnyTensor = TensorProto | SparseTensorProto

export const isSparse = (tensor: AnyTensor): tensor is SparseTensorProto =>
  tensor.$typeName === 'onnx.SparseTensorProto'

/** The name of a stored tensor: a sparse one has that of its values. */
export const nameOf = (tensor: AnyTensor): string => (isSparse(tensor) ? (tensor.values?.name ?? '') : tensor.name)

/** The type of its elements. */
export const typeOf = (tensor: AnyTensor): DataType =>
  isSparse(tensor) ? (tensor.values?.dataType ?? DataType.UNDEFINED) : tensor.dataType

/** The key of a tensor by its name and where its graph stands. */
export const keyOf = (path: Path, name: string): string => `${path}${name}`

/**
 * All stored tensors, in the order of the file: initializers of the main graph, its sparse ones, its Constant
 * nodes; then graphs inside.
 */
export function placesOf(model: ModelProto): Place[] {
  const bodies: Place[][] = []
  mapBodies(model, (body, path) => {
    const found: Place[] = []
    mapBody(body, path, (place) => {
      found.push(place)
      return place.tensor
    })
    bodies.push(found)
    return body
  })
  // Graphs inside of nodes are shown before the one that they are in.
  return bodies.toSorted((a, b) => depth(a[0]) - depth(b[0])).flat()
}

const depth = (place: Place | undefined) => place?.path.split('/').length ?? 0

/** The model with other tensors in their places; `change` returns the tensor itself where it stays. */
export const mapPlaces = (model: ModelProto, change: (place: Place) => AnyTensor): ModelProto =>
  mapBodies(model, (body, path) => mapBody(body, path, change))

/** A body with other tensors in their places. A tensor may become sparse, and a sparse one dense. */
function mapBody(body: GraphProto, path: Path, change: (place: Place) => AnyTensor): GraphProto {
  const place = (kind: Place['kind'], name: string, tensor: AnyTensor): Place => ({
    key: keyOf(path, name),
    name,
    path,
    kind,
    tensor,
  })
  const stored = [...body.initializer, ...body.sparseInitializer]
  const initializers = stored.map((tensor) => change(place('initializer', nameOf(tensor), tensor)))
  const node = body.node.map((one) => {
    const tensor = storedValue(one)
    if (!tensor) return one
    const made = change(place('constant', one.output[0], tensor))
    return made === tensor ? one : withStoredValue(one, made)
  })
  const same = [...initializers, ...node].every((made, i) => made === [...stored, ...body.node][i])
  if (same) return body
  return changed(GraphProtoSchema, body, {
    initializer: initializers.filter((tensor) => !isSparse(tensor)),
    sparseInitializer: initializers.filter(isSparse),
    node,
  })
}

/**
 * The tensor that a Constant node stores; undefined for other nodes, and for Constants that are a number or a
 * list.
 */
export function storedValue({ opType, domain, output, attribute }: NodeProto): AnyTensor | undefined {
  if (opType !== 'Constant' || !['', 'ai.onnx'].includes(domain) || !output[0]) return undefined
  const value = attribute.find(({ name }) => name === 'value' || name === 'sparse_value')
  return value?.name === 'value' ? value.t : value?.sparseTensor
}

/** A Constant node with another tensor. */
export const withStoredValue = (node: NodeProto, tensor: AnyTensor): NodeProto =>
  changed(NodeProtoSchema, node, { attribute: [valueAttribute(tensor)] })

const valueAttribute = (tensor: AnyTensor): AttributeProto =>
  create(
    AttributeProtoSchema,
    isSparse(tensor)
      ? { name: 'sparse_value', type: AttributeType.SPARSE_TENSOR, sparseTensor: tensor }
      : { name: 'value', type: AttributeType.TENSOR, t: tensor },
  )
