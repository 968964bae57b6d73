/**
 * @file Elementwise kernels (kernels/elementwise.c). Strided operands have four dimensions; outputs are
 * contiguous.
 */
import { bitsToFloat } from '../bits.ts'
import { type Kernel, stridedExtent } from '../kernel.ts'
import { binaryFormulas, unaryFormulas } from './functions.ts'

/** y[i] = op(x[i]). x and y may be the same place. */
export const unary: Kernel<'op' | 'n' | 'x' | 'y'> = {
  name: 'unary',
  parameters: ['op', 'n', 'x', 'y'],
  extents: (p) => {
    if (!unaryFormulas[p.op]) throw new Error(`unknown operation ${p.op}`)
    return [
      { offset: p.x, length: p.n },
      { offset: p.y, length: p.n },
    ]
  },
  reference: (p, { floats }) => {
    for (let i = 0; i < p.n; i++) floats[p.y + i] = unaryFormulas[p.op](floats[p.x + i])
  },
}

type Dims = 'd0' | 'd1' | 'd2' | 'd3'

/** out = op(x, y) elementwise; `out` may be the same place as an operand that is contiguous too. */
export const binary: Kernel<'op' | Dims | 'x' | `sx${0 | 1 | 2 | 3}` | 'y' | `sy${0 | 1 | 2 | 3}` | 'out'> = {
  name: 'binary',
  parameters: ['op', 'd0', 'd1', 'd2', 'd3', 'x', 'sx0', 'sx1', 'sx2', 'sx3', 'y', 'sy0', 'sy1', 'sy2', 'sy3', 'out'],
  extents: (p) => {
    if (!binaryFormulas[p.op]) throw new Error(`unknown operation ${p.op}`)
    const dims = [p.d0, p.d1, p.d2, p.d3]
    return [
      stridedExtent(p.x, dims, [p.sx0, p.sx1, p.sx2, p.sx3]),
      stridedExtent(p.y, dims, [p.sy0, p.sy1, p.sy2, p.sy3]),
      { offset: p.out, length: p.d0 * p.d1 * p.d2 * p.d3 },
    ]
  },
  reference: (p, { floats }) => {
    let out = p.out
    for (let i = 0; i < p.d0; i++)
      for (let j = 0; j < p.d1; j++)
        for (let k = 0; k < p.d2; k++)
          for (let l = 0; l < p.d3; l++)
            floats[out++] = binaryFormulas[p.op](
              floats[p.x + i * p.sx0 + j * p.sx1 + k * p.sx2 + l * p.sx3],
              floats[p.y + i * p.sy0 + j * p.sy1 + k * p.sy2 + l * p.sy3],
            )
  },
}

/** out = x where c is not 0, else y: of broadcast operands. */
export const where: Kernel<
  'out' | Dims | 'c' | `sc${0 | 1 | 2 | 3}` | 'x' | `sx${0 | 1 | 2 | 3}` | 'y' | `sy${0 | 1 | 2 | 3}`
> = {
  name: 'where',
  parameters: [
    ...(['d0', 'd1', 'd2', 'd3', 'c', 'sc0', 'sc1', 'sc2', 'sc3', 'x', 'sx0', 'sx1', 'sx2', 'sx3'] as const),
    ...(['y', 'sy0', 'sy1', 'sy2', 'sy3', 'out'] as const),
  ],
  extents: (p) => {
    const dims = [p.d0, p.d1, p.d2, p.d3]
    return [
      stridedExtent(p.c, dims, [p.sc0, p.sc1, p.sc2, p.sc3]),
      stridedExtent(p.x, dims, [p.sx0, p.sx1, p.sx2, p.sx3]),
      stridedExtent(p.y, dims, [p.sy0, p.sy1, p.sy2, p.sy3]),
      { offset: p.out, length: p.d0 * p.d1 * p.d2 * p.d3 },
    ]
  },
  reference: (p, { floats }) => {
    let out = p.out
    for (let i = 0; i < p.d0; i++)
      for (let j = 0; j < p.d1; j++)
        for (let k = 0; k < p.d2; k++)
          for (let l = 0; l < p.d3; l++) {
            const c = floats[p.c + i * p.sc0 + j * p.sc1 + k * p.sc2 + l * p.sc3]
            const x = p.x + i * p.sx0 + j * p.sx1 + k * p.sx2 + l * p.sx3
            const y = p.y + i * p.sy0 + j * p.sy1 + k * p.sy2 + l * p.sy3
            floats[out++] = floats[c !== 0 ? x : y]
          }
  },
}

/** out = x read with strides: a broadcast (stride 0) or another order of the axes. */
export const copy: Kernel<Dims | 'x' | `sx${0 | 1 | 2 | 3}` | 'out'> = {
  name: 'copy',
  parameters: ['d0', 'd1', 'd2', 'd3', 'x', 'sx0', 'sx1', 'sx2', 'sx3', 'out'],
  extents: (p) => [
    stridedExtent(p.x, [p.d0, p.d1, p.d2, p.d3], [p.sx0, p.sx1, p.sx2, p.sx3]),
    { offset: p.out, length: p.d0 * p.d1 * p.d2 * p.d3 },
  ],
  reference: (p, { floats }) => {
    let out = p.out
    for (let i = 0; i < p.d0; i++)
      for (let j = 0; j < p.d1; j++)
        for (let k = 0; k < p.d2; k++)
          for (let l = 0; l < p.d3; l++) floats[out++] = floats[p.x + i * p.sx0 + j * p.sx1 + k * p.sx2 + l * p.sx3]
  },
}

/** The reverse of {@link copy}: x is contiguous, `out` is written with strides and otherwise left alone. */
export const place: Kernel<Dims | 'x' | 'out' | `so${0 | 1 | 2 | 3}`> = {
  name: 'place',
  parameters: ['d0', 'd1', 'd2', 'd3', 'x', 'out', 'so0', 'so1', 'so2', 'so3'],
  extents: (p) => [
    { offset: p.x, length: p.d0 * p.d1 * p.d2 * p.d3 },
    stridedExtent(p.out, [p.d0, p.d1, p.d2, p.d3], [p.so0, p.so1, p.so2, p.so3]),
  ],
  reference: (p, { floats }) => {
    let x = p.x
    for (let i = 0; i < p.d0; i++)
      for (let j = 0; j < p.d1; j++)
        for (let k = 0; k < p.d2; k++)
          for (let l = 0; l < p.d3; l++) floats[p.out + i * p.so0 + j * p.so1 + k * p.so2 + l * p.so3] = floats[x++]
  },
}

/** y = 0. */
export const zero: Kernel<'n' | 'y'> = {
  name: 'zero',
  parameters: ['n', 'y'],
  extents: (p) => [{ offset: p.y, length: p.n }],
  reference: (p, { floats }) => {
    floats.fill(0, p.y, p.y + p.n)
  },
}

/**
 * y = `limited` kept between the scalars low and high; with `gradient` 1, y = x where low < limited < high,
 * else 0.
 */
export const clip: Kernel<'gradient' | 'n' | 'x' | 'limited' | 'low' | 'high' | 'y'> = {
  name: 'clip',
  parameters: ['gradient', 'n', 'x', 'limited', 'low', 'high', 'y'],
  extents: (p) => [
    ...[p.x, p.limited, p.y].map((offset) => ({ offset, length: p.n })),
    ...[p.low, p.high].map((offset) => ({ offset, length: 1 })),
  ],
  reference: (p, { floats }) => {
    const [low, high] = [floats[p.low], floats[p.high]]
    for (let i = 0; i < p.n; i++) {
      const limited = floats[p.limited + i]
      const inside = limited > low && limited < high
      floats[p.y + i] = p.gradient ? (inside ? floats[p.x + i] : 0) : Math.min(Math.max(limited, low), high)
    }
  },
}

/** 32 random bits of a place in a stream. */
function hashBits(stream: number, place: number): number {
  let x = Math.imul(place, 0x9e3779b9) ^ stream
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  x ^= x >>> 15
  x = Math.imul(x + stream, 0x85ebca6b)
  return (x ^ (x >>> 13)) >>> 0
}

/**
 * mask = 1 / (1 - p) or, with probability p, 0; another one for every value of the counter (a whole number
 * below 2^24). `threshold` is p 2^31, `keep` the bits of 1 / (1 - p), `stream` any whole number.
 */
export const dropoutMask: Kernel<'n' | 'stream' | 'threshold' | 'keep' | 'counter' | 'mask'> = {
  name: 'dropout_mask',
  parameters: ['n', 'stream', 'threshold', 'keep', 'counter', 'mask'],
  extents: (p) => [
    { offset: p.counter, length: 1 },
    { offset: p.mask, length: p.n },
  ],
  reference: (p, { floats }) => {
    const stream = hashBits(p.stream, floats[p.counter])
    for (let i = 0; i < p.n; i++) floats[p.mask + i] = hashBits(stream, i) >>> 1 < p.threshold ? 0 : bitsToFloat(p.keep)
  },
}
