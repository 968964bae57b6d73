/**
 * @file What a network takes in a file with its tensors at levels of sparsity, by the form in which it is
 * stored: found tensor by tensor, before any file is written.
 */
import type { StoredForm } from '../figures/figures.ts'
import { brotliBytes } from '../formats/brotli.ts'
import { encodeSafetensors, storeFloats, type TensorFile, toFloats } from '../formats/safetensors-bytes.ts'
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
  /** Bytes of something compressed. Default: {@link brotliBytes}. */
  compress?(data: Uint8Array): number | Promise<number>
}

/** Compression takes a while for large networks: once over all levels. */
export async function sizesOf(
  file: TensorFile,
  levels: readonly TensorLevels[],
  { form, zeros, compress = brotliBytes }: SizeOptions,
): Promise<Sizes> {
  const sizeOf = async ({ name, size, levels: all }: TensorLevels): Promise<number[]> => {
    if (form === 'dense') return all.map(() => 4 * size)
    if (form === 'sparse') return all.map(({ kept }) => storedBytes(size, kept))
    const values = toFloats(file.tensors.get(name)!)
    const { shape } = file.tensors.get(name)!
    const sizes: number[] = []
    for (const level of all) {
      const tensor = storeFloats(
        values.map((value, i) => (keeps(level, i) ? value : 0)),
        shape,
      )
      sizes.push(await compress(zeros ? tensor.data : bytesOf(new Map([[name, tensor]]))))
    }
    return sizes
  }
  const sizes: Sizes['sizes'] = new Map()
  for (const tensor of levels) sizes.set(tensor.name, await sizeOf(tensor))
  return { sizes, otherBytes: await otherBytes(file, levels, { form, compress }) }
}

const bytesOf = (tensors: TensorFile['tensors']): Uint8Array => encodeSafetensors(packSparse({ tensors, metadata: {} }))

/**
 * What the file takes besides the tensors that are pruned: the rest, and where all of it lies, with every one
 * of them stored in the form, and what is said of the pruning.
 */
async function otherBytes(
  file: TensorFile,
  levels: readonly TensorLevels[],
  { form, compress }: Required<Pick<SizeOptions, 'form' | 'compress'>>,
): Promise<number> {
  const tensors = new Map(file.tensors)
  for (const { name, size } of levels) {
    const { shape } = file.tensors.get(name)!
    tensors.set(name, storeFloats(new Float32Array(size), shape))
  }
  const empty = { ...file, tensors }
  if (form === 'dense')
    return encodeSafetensors(empty).length - levels.reduce((sum, { size }) => sum + 4 * size, 0) + madeBytes(levels)
  const packed = encodeSafetensors(packSparse(empty))
  if (form === 'brotli') return (await compress(packed)) + madeBytes(levels) / 2
  return packed.length - levels.reduce((sum, { size }) => sum + storedBytes(size, 0), 0) + madeBytes(levels)
}

/** Bytes, at most, of what a file says of how it was pruned: settings, names, and the sparsity of each. */
const madeBytes = (levels: readonly TensorLevels[]): number =>
  levels.reduce((sum, { name }) => sum + 2 * name.length + 32, 800)
