/** @file An ONNX file as it is stored: checked as far as can be without knowing what its operators do. */
import { fromBinary } from '@bufbuild/protobuf'
import { type GraphProto, type ModelProto, ModelProtoSchema } from 'onnx-buf'
import { UserError } from '../../util/errors.ts'
import type { StoredTensor } from '../safetensors-bytes.ts'
import { isSparse, placesOf } from './places.ts'
import { sorted } from './sort.ts'
import { type External, readSparse, readTensor } from './tensor.ts'

export interface OnnxFile {
  path: string
  /** As it is stored, but for the order of nodes: each comes after those that it reads. */
  proto: ModelProto
  graph: GraphProto
  /** Version of ONNX's operators. */
  opset: number
  /** The number of samples that its first input is written for, where it says one. */
  batch?: number
  external: External
  /**
   * Stored tensors of all graphs by their keys (places.ts; in the main graph, names). Read when asked for;
   * throws UserError where one is malformed.
   */
  stored: ReadonlyMap<string, () => StoredTensor>
  metadata: Record<string, string>
}

/** Whether a name is that of an ONNX file. */
export const isOnnxName = (name: string): boolean => name.toLowerCase().endsWith('.onnx')

/**
 * Whether the first bytes are those of a model: the version of its format, and then a field that can follow
 * it.
 */
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
  return openModel(decode(bytes, path), path, external)
}

/** A model that is in memory. Throws UserError on anything malformed. */
export function openModel(model: ModelProto, path: string, external = noFiles(path)): OnnxFile {
  const proto = sorted(model, path)
  const { graph } = proto
  if (!graph || graph.node.length === 0) throw new UserError(`${path} is not a valid ONNX model: it has no graph`)
  const opset = Number(proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 1n)
  const metadata = Object.fromEntries(proto.metadataProps.map(({ key, value }) => [key, value]))
  const stored = storedTensors(proto, path, external)
  return { path, proto, graph, opset, batch: batchOf(graph, stored), external, stored, metadata }
}

function batchOf({ input }: GraphProto, stored: OnnxFile['stored']): number | undefined {
  const type = input.find(({ name }) => !stored.has(name))?.type?.value
  const axis = type?.case === 'tensorType' ? type.value.shape?.dim[0]?.value : undefined
  return axis?.case === 'dimValue' && axis.value > 0n ? Number(axis.value) : undefined
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

function storedTensors(proto: ModelProto, path: string, external: External): OnnxFile['stored'] {
  return new Map(
    placesOf(proto).map(({ key, tensor }) => {
      let found: StoredTensor | undefined
      const what = `${path}: tensor ${key}`
      return [
        key,
        () => {
          found ??= isSparse(tensor) ? readSparse(tensor, what, external) : readTensor(tensor, what, external)
          return found
        },
      ] as const
    }),
  )
}
