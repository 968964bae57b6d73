import fc from 'fast-check'
import { it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { conv, convInputGrad, convSampleGrads, convWeightGrad } from '../../../src/engine/kernels/conv.ts'
import { type Random, random } from '../../../src/util/random.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, expectAgreement, type KernelCase, ROUNDING, uniform, values } from '../../support/kernel-case.ts'

/** Sizes as drawn: the input is enlarged where the kernel would not fit. */
interface Drawn {
  batch: number
  groups: number
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

const pair = (most: number) => fc.tuple(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: most }))
const pad = fc.constantFrom(0, 0, 1, 1, 2, 3)
const small: fc.Arbitrary<Drawn> = fc.record({
  batch: fc.constantFrom(1, 2, 3, 8, 16, 17, 33, 40),
  groups: fc.constantFrom(1, 1, 2, 3),
  in: fc.integer({ min: 1, max: 4 }),
  out: fc.integer({ min: 1, max: 8 }),
  h: fc.integer({ min: 1, max: 8 }),
  w: fc.integer({ min: 1, max: 8 }),
  kernel: pair(5),
  stride: pair(3),
  dilation: fc.constantFrom([1, 1], [1, 1], [2, 1], [1, 3], [2, 2]),
  pads: fc.tuple(pad, pad, pad, pad),
})
const depthwise: fc.Arbitrary<Drawn> = small.map((drawn) => ({ ...drawn, groups: 7, in: 1, out: 1 + (drawn.out % 2) }))
/** Depthwise convolutions of fewer samples than a vector has lanes, as deployed networks have them. */
const fewDepthwise: fc.Arbitrary<Drawn> = fc
  .record({
    groups: fc.integer({ min: 2, max: 40 }),
    batch: fc.constantFrom(1, 1, 1, 2, 5),
    h: fc.integer({ min: 1, max: 25 }),
    w: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(56, 112, 125)),
    side: fc.constantFrom(3, 3, 3, 5),
    stride: fc.constantFrom(1, 1, 2, 3),
    pads: fc.constantFrom([1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0], [2, 3, 0, 2]),
  })
  .map(({ side, stride, ...drawn }) => ({
    ...drawn,
    in: 1,
    out: 1,
    kernel: [side, side],
    stride: [stride, stride],
    dilation: [1, 1],
  }))
/** Fewer samples than a vector has lanes, on maps and channels that are no whole tiles. */
const few: fc.Arbitrary<Drawn> = fc.record({
  batch: fc.constantFrom(1, 1, 2, 3, 7),
  groups: fc.constantFrom(1, 1, 1, 2, 5),
  in: fc.integer({ min: 1, max: 21 }),
  out: fc.integer({ min: 1, max: 19 }),
  h: fc.integer({ min: 1, max: 19 }),
  w: fc.integer({ min: 1, max: 19 }),
  kernel: fc.oneof(fc.constantFrom([3, 3], [1, 1]), pair(5)),
  stride: fc.oneof(fc.constantFrom([1, 1], [2, 2]), pair(4)),
  dilation: fc.constantFrom([1, 1], [1, 1], [2, 1], [1, 3], [2, 2]),
  pads: fc.tuple(pad, pad, pad, pad),
})
/** What Winograd's algorithm takes: enough channels and samples, 3 x 3, no stride. */
const winograd: fc.Arbitrary<Drawn> = fc.record({
  batch: fc.constantFrom(8, 9, 16, 17, 40),
  groups: fc.constant(1),
  in: fc.integer({ min: 8, max: 24 }),
  out: fc.integer({ min: 8, max: 40 }),
  h: fc.integer({ min: 2, max: 9 }),
  w: fc.integer({ min: 2, max: 9 }),
  kernel: fc.constant([3, 3]),
  stride: fc.constant([1, 1]),
  dilation: fc.constant([1, 1]),
  pads: fc.tuple(pad, pad, pad, pad),
})
/** 1 x 1 with a stride: mostly unpadded and with samples that fill vectors, which has kernels of its own. */
const pointwise: fc.Arbitrary<Drawn> = fc.record({
  batch: fc.constantFrom(4, 8, 16, 17, 32, 48, 112, 128, 144, 272),
  groups: fc.constantFrom(1, 1, 2),
  in: fc.integer({ min: 1, max: 9 }),
  out: fc.integer({ min: 1, max: 14 }),
  h: fc.integer({ min: 1, max: 9 }),
  w: fc.integer({ min: 1, max: 9 }),
  kernel: fc.constant([1, 1]),
  stride: fc.constantFrom([2, 2], [1, 2], [2, 1], [3, 2], [2, 5]),
  dilation: fc.constant([1, 1]),
  pads: fc.oneof(
    fc.constant([0, 0, 0, 0]),
    fc.tuple(fc.constant(0), fc.constant(0), pad, pad),
    fc.tuple(pad, pad, pad, pad),
  ),
})

const plain = { batch: 3, groups: 1, in: 2, out: 7, h: 4, w: 4, dilation: [1, 1], stride: [1, 1] }
const three = { ...plain, kernel: [3, 3], pads: [1, 1, 1, 1] }
/** What does not fit into one block of anything. */
const large: [string, Drawn][] = [
  ['many input channels', { ...three, in: 200 }],
  ['many input channels, wide rows', { ...three, in: 40, out: 3, h: 9, w: 130, batch: 1 }],
  ['more taps than a list holds', { ...three, in: 200, kernel: [5, 5], pads: [2, 2, 2, 2], batch: 1 }],
  ['many output channels', { ...three, in: 40, out: 230, h: 2, w: 2 }],
  ['many 1 x 1 taps', { ...three, in: 600, out: 13, kernel: [1, 1], pads: [0, 0, 0, 0] }],
  [
    'many strided 1 x 1 taps',
    { ...three, in: 1600, out: 13, h: 3, w: 3, kernel: [1, 1], stride: [2, 2], pads: [0, 0, 0, 0], batch: 16 },
  ],
  [
    'many strided 1 x 1 outputs',
    { ...three, in: 5, out: 1600, h: 3, w: 3, kernel: [1, 1], stride: [2, 2], pads: [0, 0, 0, 0], batch: 16 },
  ],
  ['very wide rows', { ...three, h: 3, w: 1000, in: 1, out: 2, batch: 16 }],
  ['wide rows, stride 2', { ...three, h: 5, w: 300, out: 2, stride: [2, 2], batch: 17 }],
  ['many rows', { ...three, h: 150, w: 3, in: 3, out: 2, batch: 33 }],
  // Threads take fewer rows each then, which leaves room for more channels: results must not show it.
  ['rows for several threads', { ...three, h: 10, w: 10, in: 40, out: 1, batch: 64 }],
  ['rows for several threads, narrow vectors', { ...three, h: 10, w: 10, in: 160, out: 1, batch: 16 }],
  ['a large batch', { ...three, h: 3, w: 3, batch: 300 }],
  [
    'a large batch that becomes one position',
    { ...three, h: 11, w: 11, in: 1, out: 2, kernel: [11, 11], pads: [0, 0, 0, 0], batch: 1024 },
  ],
  ['3 x 3, many input channels, many tiles', { ...three, in: 130, out: 9, h: 12, w: 11, batch: 16 }],
  ['3 x 3, many output channels, many samples', { ...three, in: 9, out: 133, h: 4, w: 4, batch: 35 }],
  ['a single column between borders', { ...three, w: 1, kernel: [3, 1], batch: 1 }],
  [
    'a plane of one channel that the strip has no room for',
    { ...three, groups: 3, in: 1, out: 1, h: 400, w: 333, batch: 1 },
  ],
  ['one sample, lines and channels in several blocks', { ...three, in: 14, out: 5, h: 61, w: 130, batch: 1 }],
  ['one sample, a line that leaves no room for all channels', { ...three, in: 9, out: 3, h: 5, w: 1000, batch: 1 }],
  [
    'one sample, products of a line that there is no room for',
    { ...three, h: 13, w: 60, kernel: [11, 11], pads: [5, 5, 5, 5], batch: 1 },
  ],
  [
    'one sample, more channels than a block of products',
    { ...three, in: 30, out: 260, h: 9, w: 7, stride: [2, 2], batch: 1 },
  ],
  ['one sample, a stride beyond the strips of sparse kernels', { ...three, h: 30, w: 31, stride: [9, 1], batch: 1 }],
  ['a few samples, an output of one position', { ...three, in: 5, h: 3, w: 3, pads: [0, 0, 0, 0], batch: 1 }],
  ['rows of pixels over several panels', { ...three, in: 70, out: 9, h: 9, w: 37, batch: 2 }],
  ['windows with a stride, whole panels and edges', { ...three, in: 3, h: 9, w: 150, stride: [2, 2], batch: 1 }],
  [
    'windows with a stride, without borders',
    { ...three, in: 2, h: 8, w: 130, stride: [2, 2], pads: [0, 0, 0, 0], batch: 1 },
  ],
  ['3 x 3 of one channel each, bands of rows', { ...three, groups: 3, in: 1, out: 1, h: 70, w: 150, batch: 1 }],
  [
    '3 x 3 of one channel each, bands of rows, stride 2',
    { ...three, groups: 3, in: 1, out: 1, h: 71, w: 149, stride: [2, 2], batch: 1 },
  ],
  ['a large stride', { ...three, h: 3, w: 400, in: 1, out: 2, stride: [1, 100], batch: 1 }],
  ['a stride beyond the kernel', { ...three, h: 41, w: 50, in: 1, out: 2, stride: [7, 25], batch: 300 }],
]

function sizesOf(drawn: Drawn) {
  const { batch, groups, kernel, stride, dilation, pads } = drawn
  const reach = [0, 1].map((axis) => dilation[axis] * (kernel[axis] - 1) + 1)
  const [h, w] = [drawn.h, drawn.w].map((n, axis) => Math.max(n, reach[axis] - pads[axis] - pads[2 + axis]))
  const [oh, ow] = [h, w].map(
    (n, axis) => Math.floor((n + pads[axis] + pads[2 + axis] - reach[axis]) / stride[axis]) + 1,
  )
  return {
    batch,
    groups,
    in: drawn.in,
    out: drawn.out,
    h,
    w,
    oh,
    ow,
    kh: kernel[0],
    kw: kernel[1],
    sy: stride[0],
    sx: stride[1],
    dy: dilation[0],
    dx: dilation[1],
    top: pads[0],
    left: pads[1],
  }
}

/**
 * Every term may be rounded once as a product and once per sum behind it. Winograd's algorithm also adds
 * terms of neighbouring positions that cancel, so that even an empty sum is rounded like a term of size 1.
 */
const sumOf = (p: Sizes, terms: number) => (_want: number, magnitude: number) =>
  (terms + 3) * ROUNDING * (p.in >= 8 && p.out >= 8 && p.kh === 3 && p.kw === 3 ? Math.max(magnitude, 1) : magnitude)

const kernels: Record<string, (drawn: Drawn, rng: Random) => KernelCase> = {
  conv: (drawn, rng) => {
    const p = sizesOf(drawn)
    const [hasBias, relu] = [rng.below(2), rng.below(3)]
    return {
      operands: {
        x: uniform(rng, inputFloats(p)),
        weight: uniform(rng, weightFloats(p)),
        bias: uniform(rng, p.groups * p.out),
        y: blank(outputFloats(p)),
      },
      call: (at) => call(conv, { ...p, x: at.x, weight: at.weight, y: at.y, bias: at.bias, hasBias, relu }),
      writes: { y: sumOf(p, p.in * p.kh * p.kw) },
    }
  },
  'conv input gradient': (drawn, rng) => {
    const p = sizesOf(drawn)
    return {
      operands: {
        gradient: uniform(rng, outputFloats(p)),
        weight: uniform(rng, weightFloats(p)),
        dinput: blank(inputFloats(p)),
      },
      call: (at) => call(convInputGrad, { ...p, gradient: at.gradient, weight: at.weight, dinput: at.dinput }),
      writes: { dinput: sumOf(p, p.out * p.kh * p.kw) },
    }
  },
  'conv weight gradient': (drawn, rng) => {
    const p = sizesOf(drawn)
    return {
      operands: {
        x: uniform(rng, inputFloats(p)),
        gradient: uniform(rng, outputFloats(p)),
        dweight: blank(weightFloats(p)),
      },
      call: (at) => call(convWeightGrad, { ...p, x: at.x, gradient: at.gradient, dweight: at.dweight }),
      writes: { dweight: sumOf(p, p.batch * p.oh * p.ow) },
    }
  },
  'conv weight gradient by sample': (drawn, rng) => {
    const p = sizesOf(drawn)
    const [squares, hasSum] = [rng.below(2), rng.below(2)]
    const terms = p.oh * p.ow * (squares ? 2 : 1) + (squares ? p.batch : 0)
    return {
      operands: {
        x: uniform(rng, inputFloats(p)),
        gradient: uniform(rng, outputFloats(p)),
        dweight: blank(weightFloats(p) * (squares ? 1 : p.batch)),
        ...(hasSum && { sum: blank(weightFloats(p)) }),
      },
      call: (at) => {
        const places = { x: at.x, gradient: at.gradient, dweight: at.dweight, sum: at.sum ?? 0 }
        return call(convSampleGrads, { ...p, ...places, squares, hasSum })
      },
      writes: { dweight: sumOf(p, terms), ...(hasSum && { sum: sumOf(p, p.oh * p.ow + p.batch) }) },
    }
  },
}

type Sizes = ReturnType<typeof sizesOf>
const inputFloats = (p: Sizes) => p.batch * p.groups * p.in * p.h * p.w
const outputFloats = (p: Sizes) => p.batch * p.groups * p.out * p.oh * p.ow
const weightFloats = (p: Sizes) => p.groups * p.out * p.in * p.kh * p.kw

const largeCases = Object.entries(kernels).flatMap(([name, build]) =>
  large.map(([size, drawn]) => [name, size, () => build(drawn, random(1, name))] as const),
)

onAllEngines((machines) => {
  it.each(Object.entries(kernels))('%s, any strides, dilations, padding and groups', (_name, build) => {
    fc.assert(
      fc.property(small, values, (drawn, rng) => expectAgreement(machines, build(drawn, rng))),
      draws(40),
    )
  })

  it.each(Object.entries(kernels))('%s, depthwise', (_name, build) => {
    fc.assert(
      fc.property(depthwise, values, (drawn, rng) => expectAgreement(machines, build(drawn, rng))),
      draws(15),
    )
  })

  it.each(Object.entries(kernels))('%s, depthwise, few samples', (_name, build) => {
    fc.assert(
      fc.property(fewDepthwise, values, (drawn, rng) => expectAgreement(machines, build(drawn, rng))),
      draws(25),
    )
  })

  it.each(Object.entries(kernels))('%s, few samples', (_name, build) => {
    fc.assert(
      fc.property(few, values, (drawn, rng) => expectAgreement(machines, build(drawn, rng))),
      draws(30),
    )
  })

  it.each(Object.entries(kernels))('%s, 3 x 3 of many channels', (_name, build) => {
    fc.assert(
      fc.property(winograd, values, (drawn, rng) => expectAgreement(machines, build(drawn, rng))),
      draws(8),
    )
  })

  it.each(Object.entries(kernels))('%s, 1 x 1 with a stride', (_name, build) => {
    fc.assert(
      fc.property(pointwise, values, (drawn, rng) => expectAgreement(machines, build(drawn, rng))),
      draws(25),
    )
  })

  it.each(largeCases)('%s, in several blocks: %s', (_name, _size, make) => expectAgreement(machines, make()))

  it('a ReLU at the end of a convolution lets NaN through', () => {
    const p = sizesOf({ ...three, h: 2, w: 2 })
    const x = uniform(random(1, 'NaN'), inputFloats(p))
    x[5] = Number.NaN
    expectAgreement(machines, {
      operands: { x, weight: uniform(random(2, 'NaN'), weightFloats(p)), y: blank(outputFloats(p)) },
      call: (at) => call(conv, { ...p, x: at.x, weight: at.weight, y: at.y, bias: 0, hasBias: 0, relu: 1 }),
      writes: { y: sumOf(p, 18) },
    })
  })
})
