/**
 * @file Maps of bytes, how sums become bytes, and what converts and adds maps (kernels/int8.h, quantize.c).
 * Four channels of a place are one 32-bit word: a map lies as [channel / 4][place][4], in as many floats of
 * the arena as it has words.
 */
import { nearest } from '../../util/functions.ts'
import type { Extent, Kernel, ReferenceMemory } from '../kernel.ts'

/** How many fours of channels there are, the last one filled up. */
export const quads = (channels: number): number => Math.ceil(channels / 4)

/** The byte of a channel and a place, of `places` for each channel, counted from the beginning of a map. */
export const byteOf = (channel: number, place: number, places: number): number =>
  4 * ((channel >> 2) * places + place) + (channel & 3)

/** The bytes of an arena from a float on. */
export const bytesFrom = ({ bytes }: ReferenceMemory, offset: number): Uint8Array => bytes.subarray(4 * offset)

/** The same as 32-bit integers. */
export const wordsFrom = ({ bytes }: ReferenceMemory, offset: number): Int32Array =>
  new Int32Array(bytes.buffer, bytes.byteOffset + 4 * offset)

/** The zero point of a result, and the least and the largest byte that it takes. */
export const limited = ['zero', 'low', 'high'] as const
export type Limited = Readonly<Record<(typeof limited)[number], number>>

/** Throws where they are no bytes, or out of order. */
export function checkLimits({ zero, low, high }: Limited): void {
  if (Math.max(zero, low, high) > 255 || low > high) throw new Error('expected bytes, the least before the largest')
}

/** clamp(round(value) + zero, low, high), to the even one of two; NaN becomes the least. */
export const toByte = (value: number, { zero, low, high }: Limited): number =>
  value + zero > low ? Math.min(nearest(value) + zero, high) : low

const at = (offset: number, length: number): Extent => ({ offset, length })

function checkMap(p: { channels: number; n: number; zero: number }): void {
  if (p.channels < 1 || p.n < 1) throw new Error('sizes must be 1 or more')
  if (p.zero > 255) throw new Error(`expected a byte as the zero point, found ${p.zero}`)
}

/** A map of floats [channels][n] as bytes: clamp(round(x / scale) + zero, 0, 255). Of no channel: zero. */
export const quantize: Kernel<'channels' | 'n' | 'x' | 'scale' | 'zero' | 'y'> = {
  name: 'quantize',
  parameters: ['channels', 'n', 'x', 'scale', 'zero', 'y'],
  extents: (p) => {
    checkMap(p)
    return [at(p.x, p.channels * p.n), at(p.scale, 1), at(p.y, quads(p.channels) * p.n)]
  },
  reference: (p, memory) => {
    const y = bytesFrom(memory, p.y)
    const { floats } = memory
    for (let c = 0; c < 4 * quads(p.channels); c++)
      for (let i = 0; i < p.n; i++) {
        const value = c < p.channels ? Math.fround(Math.fround(floats[p.x + c * p.n + i]) / floats[p.scale]) : 0
        y[byteOf(c, i, p.n)] = toByte(value, { zero: p.zero, low: 0, high: 255 })
      }
  },
}

/** And back: (q - zero) scale. */
export const dequantize: Kernel<'channels' | 'n' | 'x' | 'scale' | 'zero' | 'y'> = {
  name: 'dequantize',
  parameters: ['channels', 'n', 'x', 'scale', 'zero', 'y'],
  extents: (p) => {
    checkMap(p)
    return [at(p.x, quads(p.channels) * p.n), at(p.scale, 1), at(p.y, p.channels * p.n)]
  },
  reference: (p, memory) => {
    const x = bytesFrom(memory, p.x)
    const { floats } = memory
    for (let c = 0; c < p.channels; c++)
      for (let i = 0; i < p.n; i++)
        floats[p.y + c * p.n + i] = Math.fround((x[byteOf(c, i, p.n)] - p.zero) * floats[p.scale])
  },
}

/**
 * y = clamp(round((a - zeroA) scale[0] + (b - zeroB) scale[1]) + zero, low, high) of `n` words each, in
 * double precision.
 */
export const int8Add: Kernel<'n' | 'a' | 'zeroA' | 'b' | 'zeroB' | 'scale' | 'y' | keyof Limited> = {
  name: 'int8_add',
  parameters: ['n', 'a', 'zeroA', 'b', 'zeroB', 'scale', 'y', ...limited],
  extents: (p) => {
    if (p.n < 1) throw new Error('sizes must be 1 or more')
    checkLimits(p)
    return [at(p.a, p.n), at(p.b, p.n), at(p.scale, 2), at(p.y, p.n)]
  },
  reference: (p, memory) => {
    const [a, b, y] = [p.a, p.b, p.y].map((offset) => bytesFrom(memory, offset))
    const { floats } = memory
    for (let i = 0; i < 4 * p.n; i++)
      y[i] = toByte((a[i] - p.zeroA) * floats[p.scale] + (b[i] - p.zeroB) * floats[p.scale + 1], p)
  },
}
