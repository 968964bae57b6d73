import fc from 'fast-check'
import { describe, it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { dequantize, int8Add, quads, quantize } from '../../../src/engine/kernels/int8.ts'
import { depthOf, int8Conv, int8Depthwise, int8SparseConv } from '../../../src/engine/kernels/int8-conv.ts'
import { int8AveragePool, int8MaxPool } from '../../../src/engine/kernels/int8-pooling.ts'
import { type Random, random } from '../../../src/util/random.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, exact, expectAgreement, type KernelCase, size, uniform, values } from '../../support/kernel-case.ts'

/** Bytes of which most lie at an end, where sums of two products leave 16 bits. */
const extreme = (rng: Random, n: number) =>
  Uint8Array.from({ length: n }, () => [0, 255, 127, 128, rng.below(256), 255][rng.below(6)])
const words = (list: ArrayLike<number>) => new Uint8Array(Int32Array.from(list).buffer)
const written = (n: number) => new Uint8Array(4 * n).fill(77)

interface Drawn {
  batch: number
  in: number
  out: number
  h: number
  w: number
  kernel: readonly number[]
  stride: readonly number[]
  dilation: readonly number[]
  /** top, left, bottom, right */
  pads: readonly number[]
}

function sizesOf({ batch, in: channels, out, kernel, stride, dilation, pads, ...map }: Drawn, groups = 1) {
  const reach = [0, 1].map((axis) => dilation[axis] * (kernel[axis] - 1) + 1)
  const [h, w] = [map.h, map.w].map((n, axis) => Math.max(n, reach[axis] - pads[axis] - pads[2 + axis]))
  const [oh, ow] = [h, w].map(
    (n, axis) => Math.floor((n + pads[axis] + pads[2 + axis] - reach[axis]) / stride[axis]) + 1,
  )
  const [[kh, kw], [sy, sx], [dy, dx], [top, left]] = [kernel, stride, dilation, pads]
  return { batch, groups, in: channels, out, h, w, oh, ow, kh, kw, sy, sx, dy, dx, top, left }
}
type Sizes = ReturnType<typeof sizesOf>

const inputBytes = (p: Sizes, channels: number) => 4 * quads(channels) * p.h * p.w * p.batch

/** Scales that leave most results inside, powers of two among them, which give halves to round. */
function ending(rng: Random, outputs: number, terms: number) {
  const [zero, low] = [rng.below(256), rng.below(3) * 20]
  const near = 1 / (60 * Math.sqrt(terms))
  const scale = Float32Array.from({ length: 4 * quads(outputs) }, () =>
    rng.below(2) ? 2 ** Math.round(Math.log2(near)) : near * (0.5 + rng.uniform()),
  )
  const offset = Array.from({ length: 4 * quads(outputs) }, () => Math.round(rng.normal() * 1e4 * Math.sqrt(terms)))
  return { operands: { scale, offset: words(offset) }, limits: { zero, low, high: 255 - rng.below(3) * 20 } }
}

const results = (p: Sizes, outputs: number, toFloat: number) =>
  toFloat ? blank(outputs * p.oh * p.ow * p.batch) : written(quads(outputs) * p.oh * p.ow * p.batch)

function dense(p: Sizes, rng: Random): KernelCase {
  const { operands, limits } = ending(rng, p.out, p.in * p.kh * p.kw)
  const [toFloat, border] = [rng.below(2), rng.below(256)]
  return {
    operands: {
      x: extreme(rng, inputBytes(p, p.in)),
      weight: extreme(rng, 16 * quads(p.out) * depthOf(p)),
      ...operands,
      y: results(p, p.out, toFloat),
    },
    call: ({ x, weight, scale, offset, y }) =>
      call(int8Conv, { ...p, x, border, weight, offset, scale, y, ...limits, toFloat }),
    writes: { y: exact },
  }
}

/** Three groups more than there are have room; some of these lie outside and are left out. */
function sparse(p: Sizes, rng: Random): KernelCase {
  const { operands, limits } = ending(rng, p.out, p.in * p.kh * p.kw)
  const [toFloat, border, share] = [rng.below(2), rng.below(256), [0, 0.1, 0.4, 1][rng.below(4)]]
  const [starts, places] = [[0], [] as number[]]
  for (let o = 0; o < p.out; o++) {
    for (let k = 0; k < depthOf(p); k++) if (rng.uniform() < share) places.push(rng.uniform() < 0.02 ? -1 - k : k)
    starts.push(places.length)
  }
  const capacity = places.length + 3
  return {
    operands: {
      x: extreme(rng, inputBytes(p, p.in)),
      values: extreme(rng, 4 * capacity),
      starts: words(starts),
      places: words([...places, 0, 1 << 30, 0]),
      ...operands,
      y: results(p, p.out, toFloat),
    },
    call: ({ x, values, starts, places, scale, offset, y }) =>
      call(int8SparseConv, {
        ...p,
        ...limits,
        x,
        border,
        values,
        starts,
        places,
        capacity,
        offset,
        scale,
        y,
        toFloat,
      }),
    writes: { y: exact },
  }
}

function depthwise(p: Sizes, rng: Random): KernelCase {
  const { operands, limits } = ending(rng, p.groups, p.kh * p.kw)
  const border = rng.below(256)
  const weight = extreme(rng, 16 * quads(p.groups) * p.kh * quads(p.kw))
  for (let i = 0; i < weight.length; i++) if (4 * ((i >> 4) % quads(p.kw)) + (i & 3) >= p.kw) weight[i] = 0
  return {
    operands: { x: extreme(rng, inputBytes(p, p.groups)), weight, ...operands, y: results(p, p.groups, 0) },
    call: ({ x, weight, scale, offset, y }) =>
      call(int8Depthwise, { ...p, x, border, weight, offset, scale, y, ...limits }),
    writes: { y: exact },
  }
}

const kernel = fc.constantFrom([1, 1], [1, 1], [3, 3], [3, 3], [5, 5], [1, 3], [7, 2])
const drawn: fc.Arbitrary<Drawn> = fc.record({
  batch: fc.constantFrom(1, 1, 1, 2, 3, 8, 17),
  in: fc.integer({ min: 1, max: 19 }),
  out: fc.integer({ min: 1, max: 13 }),
  h: fc.integer({ min: 1, max: 12 }),
  w: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(4, 8, 16, 32)),
  kernel,
  stride: fc.constantFrom([1, 1], [1, 1], [2, 2], [1, 2], [3, 2]),
  dilation: fc.constantFrom([1, 1], [1, 1], [1, 1], [2, 2], [1, 3]),
  pads: fc.constantFrom([0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1], [2, 0, 1, 3]),
})

const plain: Drawn = {
  batch: 1,
  in: 8,
  out: 8,
  h: 9,
  w: 9,
  kernel: [1, 1],
  stride: [1, 1],
  dilation: [1, 1],
  pads: [0, 0, 0, 0],
}
const three = { ...plain, kernel: [3, 3], pads: [1, 1, 1, 1] }
/** What does not fit into one tile, or into a panel of it, and what has threads share outputs. */
const large: [string, Drawn][] = [
  ['several tiles, 1 x 1', { ...plain, in: 37, out: 9, h: 23, w: 29 }],
  ['a single position', { ...plain, in: 203, out: 61, h: 1, w: 1 }],
  ['few positions', { ...plain, in: 50, out: 21, h: 1, w: 3 }],
  ['a linear layer on a batch', { ...plain, in: 70, out: 11, h: 1, w: 1, batch: 150 }],
  ['a depth that no panel holds', { ...plain, in: 50_000, out: 2, h: 1, w: 1, batch: 19 }],
  ['several tiles, 3 x 3 and stride 2', { ...three, in: 6, out: 5, h: 41, w: 57, stride: [2, 2] }],
  ['a position that is all border', { ...plain, h: 1, w: 1, pads: [1, 1, 1, 1], stride: [3, 3], batch: 16 }],
]
const wide: [string, Drawn][] = [
  ['two rows of three, an odd number', { ...three, h: 7, w: 7 }],
  ['two rows of three, stride 2', { ...three, in: 13, h: 15, w: 31, stride: [2, 2] }],
  ['three rows of two, stride 1 and 2', { ...three, kernel: [3, 2], h: 9, w: 19, stride: [1, 2], batch: 3 }],
  ['several bands', { ...three, h: 70, w: 90 }],
  ['several bands, stride 2', { ...three, h: 61, w: 101, stride: [2, 2] }],
  ['a band for each row', { ...three, h: 3, w: 90, batch: 40 }],
]

onAllEngines((machines) => {
  describe('bytes', () => {
    it.each([
      ['convolution', dense],
      ['convolution of groups of weights', sparse],
    ] as const)('%s', (_name, make) => {
      fc.assert(
        fc.property(drawn, values, (one, rng) => expectAgreement(machines, make(sizesOf(one), rng))),
        draws(60),
      )
      for (const [name, one] of large) expectAgreement(machines, make(sizesOf(one), random(1, name)))
    })

    it('depthwise convolution', () => {
      const make = (one: Drawn, rng: Random) => depthwise(sizesOf({ ...one, in: 1, out: 1 }, one.in), rng)
      fc.assert(
        fc.property(drawn, values, (one, rng) => expectAgreement(machines, make(one, rng))),
        draws(60),
      )
      for (const [name, one] of wide) expectAgreement(machines, make(one, random(1, name)))
    })

    it('floats to bytes and back, NaN and infinities too', () => {
      fc.assert(
        fc.property(size, size, values, (channels, n, rng) => {
          const x = uniform(rng, channels * n).map((value) => 3 * value)
          const odd = [Number.NaN, Infinity, -Infinity, 0.5 / 64, 1.5 / 64, -2.5 / 64, 1e38]
          for (const [i, value] of odd.entries()) if (i < x.length) x[rng.below(x.length)] = value
          const zero = rng.below(256)
          expectAgreement(machines, {
            operands: { x, scale: [1 / 64], y: written(quads(channels) * n) },
            call: (at) => call(quantize, { channels, n, x: at.x, scale: at.scale, y: at.y, zero }),
            writes: { y: exact },
          })
          expectAgreement(machines, {
            operands: { x: extreme(rng, 4 * quads(channels) * n), scale: [Math.fround(0.3)], y: blank(channels * n) },
            call: (at) => call(dequantize, { channels, n, x: at.x, scale: at.scale, y: at.y, zero }),
            writes: { y: exact },
          })
        }),
        draws(20),
      )
    })

    it('sums, halves to the even one', () => {
      fc.assert(
        fc.property(size, fc.boolean(), values, (n, halves, rng) => {
          const scale = halves ? [0.5, 0.25] : [0, 1].map(() => Math.fround(rng.uniform()))
          const limits = { zero: rng.below(256), low: rng.below(2) * 30, high: 255 - rng.below(2) * 30 }
          const [zeroA, zeroB] = [rng.below(256), rng.below(256)]
          expectAgreement(machines, {
            operands: { a: extreme(rng, 4 * n), b: extreme(rng, 4 * n), scale, y: written(n) },
            call: ({ a, b, scale, y }) => call(int8Add, { n, a, zeroA, b, zeroB, scale, y, ...limits }),
            writes: { y: exact },
          })
        }),
        draws(20),
      )
    })

    it('the mean and the largest of windows', () => {
      fc.assert(
        fc.property(drawn, values, (one, rng) => {
          const inside = sizesOf({ ...one, dilation: [1, 1], pads: [0, 0, 0, 0] })
          const { zero, low, high } = ending(rng, 1, 1).limits
          const window = ({ in: channels, batch, h, w, oh, ow, kh, kw, sy, sx, top, left }: Sizes) => {
            return { channels, batch, h, w, oh, ow, kh, kw, sy, sx, top, left }
          }
          const scale = [Math.fround((0.2 + rng.uniform()) / (inside.kh * inside.kw))]
          const y = (p: Sizes) => written(quads(p.in) * p.oh * p.ow * p.batch)
          const zeroX = rng.below(256)
          expectAgreement(machines, {
            operands: { x: extreme(rng, inputBytes(inside, inside.in)), scale, y: y(inside) },
            call: (at) => call(int8AveragePool, { ...window(inside), zeroX, ...at, zero, low, high } as never),
            writes: { y: exact },
          })
          const pads = one.pads.map((n, i) => Math.min(n, one.kernel[i % 2] - 1))
          const padded = sizesOf({ ...one, dilation: [1, 1], pads })
          expectAgreement(machines, {
            operands: { x: extreme(rng, inputBytes(padded, padded.in)), y: y(padded) },
            call: (at) => call(int8MaxPool, { ...window(padded), x: at.x, y: at.y }),
            writes: { y: exact },
          })
        }),
        draws(30),
      )
    })
  })
})
