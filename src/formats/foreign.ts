/**
 * @file Formats that are not read here, told by their first bytes, or where these say nothing by the file's
 * name: an error that names them helps more than one about a format that was never meant.
 */
import { unzipSync } from 'fflate'
import { UserError } from '../util/errors.ts'
import { isLegacy, isZip } from './torch/containers.ts'

/** What a file is, and what to do instead of giving it. */
type Foreign = readonly [is: string, instead: string]

const EXPORT = 'export the network as an ONNX model'
const SOURCE = `${EXPORT} from the program that it was made with`
const NUMPY = 'save the arrays as safetensors (safetensors.numpy.save_file)'
const TENSORFLOW: Foreign = ['a TensorFlow model', `${EXPORT} with tf2onnx`]
const KERAS: Foreign = ['a Keras model', `${EXPORT} (model.export(path, format="onnx"), or tf2onnx)`]
const CORE_ML: Foreign = ['a Core ML model', SOURCE]

/** The error for a file that begins as one of a format that is known and not read. */
export function foreignBytes(bytes: Uint8Array, path: string): UserError | undefined {
  return errorOf(byStart(bytes) ?? (isZip(bytes) ? byMembers(bytes) : byText(bytes)), path)
}

/** The error for a file whose name says such a format; for those only whose first bytes say nothing. */
export function foreignName(path: string): UserError | undefined {
  const [, found] = names.find(([pattern]) => pattern.test(path)) ?? []
  return errorOf(found, path)
}

/** The error for a network of Keras in an HDF5 file. */
export const foreignKeras = (path: string): UserError => errorOf(KERAS, path)!

const errorOf = (found: Foreign | undefined, path: string) =>
  found && new UserError(`${path} is ${found[0]}, which is not read here: ${found[1]}`)

const characters = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to))

function byStart(bytes: Uint8Array): Foreign | undefined {
  const begins = (start: string) => characters(bytes, 0, start.length) === start
  if (characters(bytes, 4, 8) === 'TFL3') return ['a TensorFlow Lite model', `${EXPORT} with tf2onnx --tflite`]
  if (/^ET\d\d$/.test(characters(bytes, 4, 8))) return ['an ExecuTorch program', SOURCE]
  if (begins('GGUF')) return ['a GGUF file', 'give the safetensors file or the checkpoint that it was made from']
  if (begins('\x93NUMPY')) return ['a NumPy array', NUMPY]
  if (['\x1f\x8b\x08', 'BZh', '\xfd7zXZ', '7z\xbc\xaf', '\x28\xb5\x2f\xfd'].some(begins) || isTar(bytes))
    return ['an archive', 'unpack it and give the file of weights that is in it']
  if (bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5 && bytes[2] !== 0 && !isLegacy(bytes))
    return ['a Python pickle', 'save the state dict with torch.save']
  // A version, and a message where ONNX has the name of a program, which begins with no line feed.
  if (bytes[0] === 8 && bytes[2] === 0x12 && bytes[afterVarint(bytes, 3)] === 0x0a)
    return bytes[1] === 1 ? ['a TensorFlow or Core ML model', SOURCE] : CORE_ML
  return undefined
}

const isTar = (bytes: Uint8Array) => characters(bytes, 257, 262) === 'ustar'

function afterVarint(bytes: Uint8Array, at: number): number {
  while (bytes[at] >= 0x80) at++
  return at + 1
}

function byText(bytes: Uint8Array): Foreign | undefined {
  const start = characters(bytes, 0, 4096)
  if (start.startsWith('version https://git-lfs')) return ['a pointer of Git LFS', 'fetch the file with git lfs pull']
  if (/^\s*<(!doctype html|html)/i.test(start))
    return ['a web page, perhaps of a download that failed', 'fetch the file itself']
  if (/^\s*(<\?xml[^>]*>)?\s*<net\b/.test(start)) return ['an OpenVINO model', SOURCE]
  if (!/^\s*\{[^\0]/.test(start)) return undefined
  const json = new TextDecoder().decode(bytes)
  if (/"(modelTopology|weightsManifest)"/.test(json)) return ['a TensorFlow.js model', `${EXPORT} with tf2onnx --tfjs`]
  return ['JSON text', 'give the file that has the weights']
}

function byMembers(bytes: Uint8Array): Foreign | undefined {
  const members: string[] = []
  try {
    unzipSync(bytes, { filter: ({ name }) => members.push(name) < 0 })
  } catch {
    return undefined
  }
  const has = (pattern: RegExp) => members.some((name) => pattern.test(name))
  if (has(/^([^/]+\/)?data\.pkl$/)) return undefined
  if (has(/(^|\/)(model|variables)\.(weights\.)?h5$/)) return KERAS
  if (has(/(^|\/)saved_model\.pb$/)) return TENSORFLOW
  if (has(/\.mlmodel$/)) return CORE_ML
  if (members.length > 0 && members.every((name) => name.endsWith('.npy'))) return ['an archive of NumPy arrays', NUMPY]
  return ['a zip archive without a PyTorch checkpoint', 'unpack it and give the file of weights that is in it']
}

const names: readonly [RegExp, Foreign][] = [
  [/\.(pb|pbtxt|index|meta|data-\d+-of-\d+)$/i, TENSORFLOW],
  [/\.tflite$/i, ['a TensorFlow Lite model', `${EXPORT} with tf2onnx --tflite`]],
  [/\.keras$/i, KERAS],
  [/\.(mlmodel|mlpackage)$/i, CORE_ML],
  [/\.xml$/i, ['an OpenVINO model', SOURCE]],
  [/\.(param|caffemodel|prototxt|pdparams|pdmodel|mnn|engine|plan|trt)$/i, ['a model of another program', SOURCE]],
  [/\.(t7|msgpack|params)$/i, ['weights of another program', SOURCE]],
  [/\.bin$/i, ['raw values, which another file describes', SOURCE]],
  [/\.np[yz]$/i, ['a NumPy file', NUMPY]],
]
