/** @file The part of MNIST that lies beside the pages: 12,000 images to train on and 2,000 to test with. */
import type { Dataset } from '../../src/data/dataset.ts'
import { findNormalization } from '../../src/data/normalization.ts'
import { UserError } from '../../src/util/errors.ts'

const PIXELS = 28 * 28

/** Throws UserError where the file cannot be fetched or is another. */
export async function mnist(): Promise<Dataset> {
  const response = await fetch(new URL(/* @vite-ignore */ '../mnist.bin', import.meta.url))
  if (!response.ok) throw new UserError(`mnist.bin cannot be fetched: ${response.status} ${response.statusText}`)
  const bytes = await unpacked(await response.blob())
  const counts = new DataView(bytes.buffer)
  let at = 8
  const part = (count: number) => {
    const images = bytes.subarray(at, (at += count * PIXELS))
    return { count, images, labels: bytes.subarray(at, (at += count)) }
  }
  const [train, test] = [part(counts.getUint32(0, true)), part(counts.getUint32(4, true))]
  if (bytes.length !== at) throw new UserError(`mnist.bin: expected ${at} bytes, found ${bytes.length}`)
  return { name: 'MNIST', image: [1, 28, 28], classes: 10, ...findNormalization('mnist', 1), train, test }
}

/** Servers and browsers may have unpacked it already. */
async function unpacked(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer())
  const packed = first === 0x1f && second === 0x8b
  const stream = packed ? blob.stream().pipeThrough(new DecompressionStream('gzip')) : blob.stream()
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
