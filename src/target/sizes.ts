/**
 * @file What a network takes in a file with its tensors at levels of sparsity, by the form in which it is
 * stored: found tensor by tensor, before any file is written.
 */
import type { StoredForm } from '../figures/figures.ts'
import { brotliBytes } from '../formats/brotli.ts'
import { encodeSafetensors, storeFloats, type TensorFile, toFloats } from '../formats/safetensors.ts'
import { packSparse } from '../formats/sparse.ts'
import { storedBytes } from './search.ts'
import { keeps, type TensorLevels } from './tensor-levels.ts'

export interface Sizes {
  /** Bytes of tensors at their levels. */
  sizes: Map<string, number[]>
  /** Of everything else. */
  otherBytes: number
}

/** How a form is stored: zeros as other values, as ONNX files have them, or left out. */
export interface SizeOptions {
  form: StoredForm
  /** Whether compressed files hold the zeros. Default: they are left out. */
  zeros?: boolean
}

/** Compression takes a while for large networks: once over all levels. */
export function sizesOf(file: TensorFile, levels: readonly TensorLevels[], { form, zeros }: SizeOptions): Sizes {
  const sizeOf = ({ name, size, levels: all }: TensorLevels): number[] => {
    if (form === 'dense') return all.map(() => 4 * size)
    if (form === 'sparse') return all.map(({ kept }) => storedBytes(size, kept))
    const values = toFloats(file.tensors.get(name)!)
    const { shape } = file.tensors.get(name)!
    return all.map((level) => {
      const tensor = storeFloats(
        values.map((value, i) => (keeps(level, i) ? value : 0)),
        shape,
      )
      return brotliBytes(zeros ? tensor.data : bytesOf(new Map([[name, tensor]])))
    })
  }
  return {
    sizes: new Map(levels.map((tensor) => [tensor.name, sizeOf(tensor)])),
    otherBytes: otherBytes(file, levels, form),
  }
}

const bytesOf = (tensors: TensorFile['tensors']): Uint8Array => encodeSafetensors(packSparse({ tensors, metadata: {} }))

/**
 * What the file takes besides the tensors that are pruned: the rest, and where all of it lies, with every one
 * of them stored in the form, and what is said of the pruning.
 */
function otherBytes(file: TensorFile, levels: readonly TensorLevels[], form: StoredForm): number {
  const tensors = new Map(file.tensors)
  for (const { name, size } of levels) {
    const { shape } = file.tensors.get(name)!
    tensors.set(name, storeFloats(new Float32Array(size), shape))
  }
  const empty = { ...file, tensors }
  if (form === 'dense')
    return encodeSafetensors(empty).length - levels.reduce((sum, { size }) => sum + 4 * size, 0) + madeBytes(levels)
  const packed = encodeSafetensors(packSparse(empty))
  if (form === 'brotli') return brotliBytes(packed) + madeBytes(levels) / 2
  return packed.length - levels.reduce((sum, { size }) => sum + storedBytes(size, 0), 0) + madeBytes(levels)
}

/** Bytes, at most, of what a file says of how it was pruned: settings, names, and the sparsity of each. */
const madeBytes = (levels: readonly TensorLevels[]): number =>
  levels.reduce((sum, { name }) => sum + 2 * name.length + 32, 800)
