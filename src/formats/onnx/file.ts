/** @file An ONNX file as it is stored: checked as far as can be without knowing what its operators do. */
import { fromBinary } from '@bufbuild/protobuf'
import { type GraphProto, type ModelProto, ModelProtoSchema } from 'onnx-buf'
import { UserError } from '../../util/errors.ts'
import type { StoredTensor } from '../safetensors-bytes.ts'
import { type External, readSparse, readTensor } from './tensor.ts'

/** Versions of ONNX's operators that are read. */
export const OPSETS = { least: 7, most: 25 } as const

export interface OnnxFile {
  path: string
  proto: ModelProto
  graph: GraphProto
  opset: number
  external: External
  /** Stored tensors by name: initializers, and Constant nodes by their output. Read when asked for; throws UserError where one is malformed. */
  stored: ReadonlyMap<string, () => StoredTensor>
  metadata: Record<string, string>
}

/** Whether a name is that of an ONNX file. */
export const isOnnxName = (name: string): boolean => name.toLowerCase().endsWith('.onnx')

/** Whether the first bytes are those of a model: the version of its format, and then a field that can follow it. */
export function isOnnx(bytes: Uint8Array): boolean {
  const [tag, version, next] = bytes
  // Safetensors may begin with an 8, too, of a small length whose upper bytes are 0.
  const length = bytes.subarray(3, 8)
  return (
    tag === 8 &&
    version > 0 &&
    version < 32 &&
    [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72].includes(next) &&
    length.some((b) => b > 0)
  )
}

/** Parses a whole file. Throws UserError on anything malformed. */
export function parseOnnx(bytes: Uint8Array, path: string, external = noFiles(path)): OnnxFile {
  const proto = decode(bytes, path)
  const { graph } = proto
  if (!graph || graph.node.length === 0) throw new UserError(`${path} is not a valid ONNX model: it has no graph`)
  const opset = Number(proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n)
  if (opset < OPSETS.least || opset > OPSETS.most)
    throw new UserError(
      `${path} uses version ${opset} of ONNX's operators, expected ${OPSETS.least} to ${OPSETS.most}: export it again with opset 17`,
    )
  const metadata = Object.fromEntries(proto.metadataProps.map(({ key, value }) => [key, value]))
  return { path, proto, graph, opset, external, stored: storedTensors(graph, path, external), metadata }
}

const noFiles =
  (path: string): External =>
  (location) => {
    throw new UserError(`${path}: its values lie in another file, ${location}, expected them inside`)
  }

function decode(bytes: Uint8Array, path: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes)
  } catch (error) {
    throw new UserError(`${path} is not a valid ONNX model: ${(error as Error).message}`)
  }
}

function storedTensors(graph: GraphProto, path: string, external: External): OnnxFile['stored'] {
  const stored = new Map<string, () => StoredTensor>()
  const once = (name: string, read: (what: string) => StoredTensor) => {
    let found: StoredTensor | undefined
    stored.set(name, () => {
      found ??= read(`${path}: tensor ${name}`)
      return found
    })
  }
  for (const tensor of graph.initializer) once(tensor.name, (what) => readTensor(tensor, what, external))
  for (const tensor of graph.sparseInitializer)
    once(tensor.values?.name ?? '', (what) => readSparse(tensor, what, external))
  for (const { opType, output, attribute } of graph.node) {
    if (opType !== 'Constant') continue
    const [value] = attribute
    if (value?.name === 'value' && value.t) once(output[0], (what) => readTensor(value.t!, what, external))
    if (value?.name === 'sparse_value' && value.sparseTensor)
      once(output[0], (what) => readSparse(value.sparseTensor!, what, external))
  }
  return stored
}
