/**
 * @file What a command must not have changed: what is around a model's tensors, and the tensors that it did
 * not mean to change.
 */
import { toBinary } from '@bufbuild/protobuf'
import { type ModelProto, OperatorSetIdProtoSchema, type ValueInfoProto, ValueInfoProtoSchema } from 'onnx-buf'
import { sameBytes } from '../../util/same-bytes.ts'
import { isMeasured } from '../measured.ts'
import { BYTES_PER, type StoredTensor, toFloats } from '../safetensors-bytes.ts'
import type { OnnxFile } from './file.ts'
import { isSparse, placesOf } from './places.ts'
import { floatsAs, placesOfNonzeros } from './rewrite.ts'

/** What of the interface was meant to change. */
export interface InterfaceChanges {
  /** The version of the file format. */
  ir?: boolean
  /** The number of samples. */
  batch?: boolean
}

/**
 * The first difference of two models in what others know them by (inputs, outputs, versions, names,
 * documentation, metadata that were there and hold for other weights, too), in words; undefined where there
 * is none.
 */
export function interfaceDifference(
  before: OnnxFile,
  after: OnnxFile,
  changes: InterfaceChanges = {},
): string | undefined {
  const isOpen = ({ name }: ValueInfoProto) => !before.stored.has(name) && !after.stored.has(name)
  const facts = (proto: ModelProto, kept?: ModelProto) => {
    const { graph, producerName, producerVersion, domain, modelVersion, docString } = proto
    const known = new Set((kept ?? proto).metadataProps.map(({ key }) => key))
    return {
      'version of the file format': changes.ir ? '' : String(proto.irVersion),
      'operator sets': proto.opsetImport.map((one) => bytes(toBinary(OperatorSetIdProtoSchema, one))).join(),
      producer: `${producerName} ${producerVersion}`,
      domain,
      'model version': String(modelVersion),
      documentation: `${docString}\n${graph!.docString}`,
      'name of the graph': graph!.name,
      inputs: infos(graph!.input.filter(isOpen), changes),
      outputs: infos(graph!.output, changes),
      functions: proto.functions.map(({ name, domain: of }) => `${of} ${name}`).join(),
      'keys of metadata': proto.metadataProps
        .flatMap(({ key }) => (known.has(key) && !isMeasured(key) ? [key] : []))
        .sort()
        .join(),
    }
  }
  const [a, b] = [facts(before.proto), facts(after.proto, before.proto)]
  const [different] = Object.keys(a).filter((what) => a[what as keyof typeof a] !== b[what as keyof typeof b])
  return different && `its ${different} changed`
}

const bytes = (list: Uint8Array) => Array.from(list, (byte) => byte.toString(16).padStart(2, '0')).join('')

const infos = (list: readonly ValueInfoProto[], { batch }: InterfaceChanges) =>
  list.map((info) => (batch ? info.name : bytes(toBinary(ValueInfoProtoSchema, info)))).join()

/**
 * The first tensor of `expected`, by key, whose values are not to the bit those of the file, or where it
 * stores halves, those rounded; undefined: all are. Zeros of those that are stored as nonzeros have no sign.
 * Tensors in `but` may be anything.
 */
export function tensorDifference(
  expected: OnnxFile,
  file: OnnxFile,
  but: ReadonlySet<string> = new Set(),
): string | undefined {
  const sparse = new Set(placesOf(file.proto).flatMap(({ key, tensor }) => (isSparse(tensor) ? [key] : [])))
  for (const [key, read] of expected.stored) {
    if (but.has(key)) continue
    const there = file.stored.has(key) ? key : halfKey(key, file, expected)
    const found = file.stored.get(there)
    if (!found) return `tensor ${key} is gone`
    const [want, have] = [read(), found()]
    const rounded = have.dtype === 'F16' && want.dtype === 'F32' ? floatsAs('F16', want.shape, toFloats(want)) : want
    const same = rounded.dtype === have.dtype && String(rounded.shape) === String(have.shape)
    const data = sparse.has(there) ? positiveZeros(rounded) : rounded.data
    if (!same || !sameBytes(data, have.data)) return `tensor ${key} is another`
  }
  return undefined
}

/** The bytes of floats with 0 in the place of -0: where nonzeros alone are stored, zeros have no sign. */
function positiveZeros(tensor: StoredTensor): Uint8Array {
  const data = new Uint8Array(tensor.data.length)
  const width = BYTES_PER[tensor.dtype]
  for (const place of placesOfNonzeros(tensor)) {
    const at = place * width
    for (let b = at; b < at + width; b++) data[b] = tensor.data[b]
  }
  return data
}

/** Halves are stored beside a Cast that has the tensor's name (store.ts). */
function halfKey(key: string, { stored }: OnnxFile, expected: OnnxFile): string {
  let half = `${key}.float16`
  // Something else may have had that name.
  for (let i = 2; (!stored.has(half) || expected.stored.has(half)) && i < 100; i++) half = `${key}.float16.${i}`
  return half
}
