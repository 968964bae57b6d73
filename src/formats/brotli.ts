/**
 * @file What bytes take compressed with brotli, as web servers do it: a second for about 50 MB. Pages, which
 * have no such compression, can import it all the same.
 */
import type { BrotliCompress } from 'node:zlib'
import { nodeModule } from '../util/node-module.ts'

const zlib = nodeModule<typeof import('node:zlib')>('node:zlib')

/** Brotli's quality, of 11: what servers use. */
const QUALITY = 5

/** Bytes after compression. */
export const brotliBytes = (data: Uint8Array): number =>
  inNode().brotliCompressSync(data, { params: paramsOf(data.length) }).length

/** The same for what comes in pieces, `size` bytes in all. */
export const brotliStream = (size: number): BrotliCompress => inNode().createBrotliCompress({ params: paramsOf(size) })

function paramsOf(size: number): Record<number, number> {
  const { constants } = inNode()
  return { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: size }
}

function inNode(): typeof import('node:zlib') {
  if (!zlib) throw new Error('brotli is there in Node alone')
  return zlib
}
