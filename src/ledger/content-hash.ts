/**
 * @file What is the same whatever file it lies in: the hash of a network's tensors and that of a data set's
 * images and labels.
 */
import type { SampleSet } from '../data/dataset.ts'
import type { StoredTensor } from '../formats/safetensors.ts'
import { toFloats } from '../formats/safetensors.ts'
import { sha256 } from '../util/sha256.ts'

/**
 * The SHA-256 of tensors as float32: of each, in the order of their names, its name and shape as a line of
 * JSON, then its values, little-endian.
 */
export function tensorsHash(tensors: ReadonlyMap<string, StoredTensor>): string {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))
  return sha256(
    sorted.flatMap(([name, tensor]) => [`${JSON.stringify([name, tensor.shape])}\n`, bytesOf(toFloats(tensor))]),
  )
}

/** The SHA-256 of the images, bytes as they are decoded, and labels of both parts of a data set. */
export const dataHash = ({ image, train, test }: SampleSet): string =>
  sha256([JSON.stringify(image), ...partsOf(train), ...partsOf(test)])

const partsOf = ({ count, images, labels }: SampleSet['train']) => [
  `\n${count}\n`,
  bytesOf(images),
  bytesOf(Uint16Array.from(labels ?? [])),
]

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array | Uint8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
