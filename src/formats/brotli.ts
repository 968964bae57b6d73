/** @file What bytes take compressed with brotli, as web servers do it: a second for about 50 MB. */
import { type BrotliCompress, brotliCompressSync, constants, createBrotliCompress } from 'node:zlib'

/** Brotli's quality, of 11: what servers use. */
const QUALITY = 5

/** Bytes after compression. */
export const brotliBytes = (data: Uint8Array): number =>
  brotliCompressSync(data, { params: paramsOf(data.length) }).length

/** The same for what comes in pieces, `size` bytes in all. */
export const brotliStream = (size: number): BrotliCompress => createBrotliCompress({ params: paramsOf(size) })

const paramsOf = (size: number) => ({
  [constants.BROTLI_PARAM_QUALITY]: QUALITY,
  [constants.BROTLI_PARAM_SIZE_HINT]: size,
})
