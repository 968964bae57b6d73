/** @file IDX files of any content. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export function idx(shape: readonly number[], values: ArrayLike<number>, magic = 0x0800 + shape.length): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + values.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  shape.forEach((size, i) => {
    view.setUint32(4 + 4 * i, size)
  })
  bytes.set(values, 4 + 4 * shape.length)
  return bytes
}

/**
 * Three training and two test images of 2 x 2 pixels; `changes` replaces files or (undefined) leaves them
 * out.
 */
export function writeMnist(folder: string, changes: Record<string, Uint8Array | undefined> = {}): string {
  const files: Record<string, Uint8Array | undefined> = {
    'train-images-idx3-ubyte': idx([3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    'train-labels-idx1-ubyte': idx([3], [0, 1, 9]),
    't10k-images-idx3-ubyte': idx([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
    't10k-labels-idx1-ubyte': idx([2], [3, 4]),
    ...changes,
  }
  for (const [name, bytes] of Object.entries(files)) if (bytes) writeFileSync(join(folder, name), bytes)
  return folder
}
