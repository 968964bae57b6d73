import fc from 'fast-check'
import { expect, it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { sparseConv, sparseConvInputGrad, sparseConvWeightGrad } from '../../../src/engine/kernels/sparse.ts'
import { Program } from '../../../src/engine/program.ts'
import { type Random, random } from '../../../src/util/random.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, expectAgreement, type KernelCase, ROUNDING, uniform, values } from '../../support/kernel-case.ts'
import { type Density, densities, patternOf, randomPositions } from '../../support/sparse-weights.ts'

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
  density: Density
}

const pair = (most: number) => fc.tuple(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: most }))
const pad = fc.constantFrom(0, 0, 1, 1, 2, 3)
const batch = fc.constantFrom(1, 2, 3, 8, 16, 17, 33, 40, 64)
const small: fc.Arbitrary<Drawn> = fc.record({
  batch,
  in: fc.integer({ min: 1, max: 5 }),
  out: fc.integer({ min: 1, max: 8 }),
  h: fc.integer({ min: 1, max: 12 }),
  w: fc.integer({ min: 1, max: 12 }),
  kernel: pair(5),
  stride: pair(3),
  dilation: fc.constantFrom([1, 1], [1, 1], [2, 1], [1, 3], [2, 2]),
  pads: fc.tuple(pad, pad, pad, pad),
  density: fc.constantFrom(...densities),
})
/** Fewer samples than a vector has lanes: rows of whole vectors, parts of them, and neither. */
const few: fc.Arbitrary<Drawn> = fc.record({
  batch: fc.constantFrom(1, 1, 1, 2, 3, 5, 7),
  in: fc.integer({ min: 1, max: 40 }),
  out: fc.integer({ min: 1, max: 9 }),
  h: fc.integer({ min: 1, max: 20 }),
  w: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(4, 8, 16, 32, 64, 72, 144)),
  kernel: fc.constantFrom([1, 1], [1, 1], [3, 3], [3, 3], [5, 5], [1, 3], [7, 2]),
  stride: fc.constantFrom([1, 1], [1, 1], [2, 2], [1, 2], [3, 2]),
  dilation: fc.constantFrom([1, 1], [1, 1], [1, 1], [2, 2]),
  pads: fc.constantFrom([0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1], [2, 0, 1, 3]),
  density: fc.constantFrom(...densities),
})
const linear: fc.Arbitrary<Drawn> = fc
  .record({ batch: fc.oneof(batch, fc.constantFrom(128, 200)), in: fc.integer({ min: 1, max: 60 }), out: pair(60) })
  .chain(({ batch, in: channels, out: [out] }) =>
    fc.constantFrom(...densities).map((density) => ({ ...plain, batch, in: channels, out, h: 1, w: 1, density })),
  )

const plain = {
  batch: 3,
  in: 2,
  out: 7,
  h: 4,
  w: 4,
  kernel: [1, 1],
  dilation: [1, 1],
  stride: [1, 1],
  pads: [0, 0, 0, 0],
}
const three = { ...plain, kernel: [3, 3], pads: [1, 1, 1, 1] }
/** What does not fit into one block of anything. */
const large: [string, Omit<Drawn, 'density'>, number][] = [
  ['many input channels', { ...three, in: 300, h: 5, w: 5, batch: 20 }, 0.1],
  ['many input channels, wide rows', { ...three, in: 40, out: 3, h: 9, w: 130, batch: 1 }, 0.2],
  ['wide rows, stride 2', { ...three, h: 5, w: 300, in: 5, out: 2, stride: [2, 2], batch: 17 }, 0.5],
  ['many rows', { ...three, h: 150, w: 3, in: 3, out: 2, batch: 33 }, 0.5],
  ['more taps than a list holds', { ...plain, in: 1200, out: 60, h: 1, w: 1, batch: 8 }, 0.5],
  ['more channels than a list has taps', { ...plain, in: 40000, out: 2, h: 1, w: 1, batch: 8 }, 0.9],
  ['more outputs than a list has rows', { ...plain, in: 3, out: 9000, h: 1, w: 1, batch: 8 }, 0.2],
  ['rows for several threads', { ...three, h: 10, w: 10, in: 40, out: 4, batch: 64 }, 0.1],
  ['a position that is all border', { ...plain, h: 1, w: 1, pads: [1, 1, 1, 1], stride: [3, 3], batch: 16 }, 1],
  ['few samples, blocks of channels', { ...plain, in: 300, out: 5, h: 13, w: 17, batch: 1 }, 0.1],
  ['few samples, strips of some rows', { ...three, in: 90, out: 3, h: 41, w: 56, batch: 1 }, 0.05],
  ['few samples, a strip for each block', { ...three, in: 260, out: 2, h: 3, w: 120, batch: 2 }, 0.03],
  ['few samples, stride 2, whole rows', { ...three, in: 70, out: 3, h: 64, w: 64, stride: [2, 2], batch: 1 }, 0.05],
  ['few samples, more sums than are kept', { ...plain, in: 5, out: 1400, h: 8, w: 8, batch: 1 }, 0.3],
  ['few samples, groups of outputs alike', { ...three, in: 20, out: 12, h: 9, w: 21, batch: 1 }, 0.1],
  ['few samples, groups of outputs alike, 1 x 1', { ...plain, in: 300, out: 8, h: 14, w: 14, batch: 1 }, 0.1],
  ['few samples, groups of outputs alike, whole rows', { ...three, in: 9, out: 4, h: 5, w: 48, batch: 2 }, 0.3],
  ['outputs alike, by eights', { ...three, in: 20, out: 20, h: 5, w: 6, stride: [2, 1], batch: 17 }, 0.2],
  ['outputs and inputs alike', { ...plain, in: 44, out: 13, h: 3, w: 2, batch: 33 }, 0.3],
  ['outputs alike, a linear layer', { ...plain, in: 90, out: 32, h: 1, w: 1, batch: 5 }, 0.2],
  ['a single sample', { ...plain, in: 700, out: 90, h: 1, w: 1, batch: 1 }, 0.2],
  ['a large batch', { ...three, h: 3, w: 3, batch: 300 }, 0.3],
]

function sizesOf(drawn: Omit<Drawn, 'density'>) {
  const { batch, kernel, stride, dilation, pads } = drawn
  const reach = [0, 1].map((axis) => dilation[axis] * (kernel[axis] - 1) + 1)
  const [h, w] = [drawn.h, drawn.w].map((n, axis) => Math.max(n, reach[axis] - pads[axis] - pads[2 + axis]))
  const [oh, ow] = [h, w].map(
    (n, axis) => Math.floor((n + pads[axis] + pads[2 + axis] - reach[axis]) / stride[axis]) + 1,
  )
  return {
    batch,
    groups: 1,
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
type Sizes = ReturnType<typeof sizesOf>
const plainEnd = { bias: 0, hasBias: 0, relu: 0, residual: 0, hasResidual: 0 }
const inputFloats = (p: Sizes) => p.batch * p.in * p.h * p.w
const outputFloats = (p: Sizes) => p.batch * p.out * p.oh * p.ow
const bytes = (integers: Int32Array) => new Uint8Array(integers.buffer)

/** Every term may be rounded once as a product and once per sum behind it. */
const sumOf = (terms: number) => (_want: number, magnitude: number) => (terms + 3) * ROUNDING * magnitude

/** Three nonzeros more than there are have room. */
const kernels: Record<string, (p: Sizes, positions: Int32Array, rng: Random) => KernelCase> = {
  'sparse convolution': (p, positions, rng) => {
    const capacity = positions.length + 3
    const { starts, places } = patternOf([p.out, p.in, p.kh, p.kw], positions, capacity)
    const [hasBias, relu, hasResidual] = [rng.below(2), rng.below(3), rng.below(2)]
    return {
      operands: {
        x: uniform(rng, inputFloats(p)),
        values: uniform(rng, capacity),
        bias: uniform(rng, p.out),
        starts: bytes(starts),
        places: bytes(places),
        y: blank(outputFloats(p)),
        residual: uniform(rng, outputFloats(p)),
      },
      call: ({ x, values, starts, places, bias, y, residual }) => {
        const operands = { x, values, starts, places, capacity, y, bias, residual }
        return call(sparseConv, { ...p, ...operands, hasBias, relu, hasResidual })
      },
      writes: { y: sumOf(p.in * p.kh * p.kw + 1) },
    }
  },
  'input gradient': (p, positions, rng) => {
    const capacity = positions.length + 3
    const { tStarts, tPlaces, tEntries } = patternOf([p.out, p.in, p.kh, p.kw], positions, capacity)
    return {
      operands: {
        gradient: uniform(rng, outputFloats(p)),
        values: uniform(rng, capacity),
        starts: bytes(tStarts),
        places: bytes(tPlaces),
        entries: bytes(tEntries),
        dinput: blank(inputFloats(p)),
      },
      call: ({ gradient, values, starts, places, entries, dinput }) =>
        call(sparseConvInputGrad, { ...p, gradient, values, starts, places, entries, capacity, dinput }),
      writes: { dinput: sumOf(p.out * p.kh * p.kw) },
    }
  },
  'weight gradient': (p, positions, rng) => {
    const capacity = positions.length + 3
    const { starts, places } = patternOf([p.out, p.in, p.kh, p.kw], positions, capacity)
    const parts = 1 + rng.below(4)
    return {
      operands: {
        x: uniform(rng, inputFloats(p)),
        gradient: uniform(rng, outputFloats(p)),
        starts: bytes(starts),
        places: bytes(places),
        sums: blank(parts * capacity),
      },
      call: ({ x, gradient, starts, places, sums }) =>
        call(sparseConvWeightGrad, { ...p, x, gradient, starts, places, capacity, parts, sums }),
      writes: { sums: sumOf(p.batch * p.oh * p.ow) },
    }
  },
}

const build = (name: string, drawn: Drawn, rng: Random) => {
  const p = sizesOf(drawn)
  return kernels[name](p, randomPositions(rng, [p.out, p.in, p.kh, p.kw], drawn.density), rng)
}

/**
 * Nonzeros of 27 outputs, more than a workgroup has lanes: eight with the same places, four, four of which
 * one has its last elsewhere, eight of which one lacks its last, and three without any, which are no four.
 */
function nearlyAlike(rng: Random, row: number): number[][] {
  const places = Array.from({ length: row - 1 }, (_, place) => place)
  const draw = () => [...places.filter(() => rng.uniform() < 0.5), row - 2].filter((at, i, all) => at !== all[i - 1])
  const times = (count: number, list: number[]) => Array.from({ length: count }, () => [...list])
  const rows = [8, 4, 4, 8].flatMap((count) => times(count, draw()))
  rows[14][rows[14].length - 1]++
  rows[21].pop()
  return [...rows, [], [], []]
}

const largeCases = Object.keys(kernels).flatMap((name) =>
  large.map(([size, drawn, density]) => [name, size, () => largeCase(name, size, drawn, density)] as const),
)

function largeCase(name: string, size: string, drawn: Omit<Drawn, 'density'>, density: number): KernelCase {
  const rng = random(1, name)
  const p = sizesOf(drawn)
  const positions = Int32Array.from({ length: p.out * p.in * p.kh * p.kw }, (_, i) => i)
  const row = p.in * p.kh * p.kw
  const down = size.includes('alike') ? (size.includes('eights') ? 8 : 4) : 1
  const right = size.includes('inputs') ? 4 : 1
  const groups = down > 1 ? Float64Array.from(positions, () => rng.uniform()) : []
  const blockOf = (at: number) => Math.floor((at % row) / right) + Math.floor(at / row / down) * row
  const kept = positions.filter((at) => (groups[blockOf(at)] ?? rng.uniform()) < density)
  return kernels[name](p, kept, rng)
}

onAllEngines((machines) => {
  it.each(Object.keys(kernels))('%s, any strides, dilations, padding, densities', (name) => {
    fc.assert(
      fc.property(small, values, (drawn, rng) => expectAgreement(machines, build(name, drawn, rng))),
      draws(80),
    )
  })

  it.each(Object.keys(kernels))('%s, few samples', (name) => {
    fc.assert(
      fc.property(few, values, (drawn, rng) => expectAgreement(machines, build(name, drawn, rng))),
      draws(60),
    )
  })

  it.each(Object.keys(kernels))('%s, linear', (name) => {
    fc.assert(
      fc.property(linear, values, (drawn, rng) => expectAgreement(machines, build(name, drawn, rng))),
      draws(30),
    )
  })

  it.each(largeCases)('%s, in several blocks: %s', (_name, _size, make) => expectAgreement(machines, make()))

  it.each(Object.keys(kernels))('%s, rows that are alike but for one nonzero', (name) => {
    const p = sizesOf({ ...three, in: 30, out: 27, h: 3, w: 4, batch: 3 })
    const rng = random(4, name)
    const row = p.in * p.kh * p.kw
    const positions = nearlyAlike(rng, row).flatMap((places, out) => places.map((place) => out * row + place))
    expectAgreement(machines, kernels[name](p, Int32Array.from(positions), rng))
  })

  it('a pattern of any integers touches nothing but the results', () => {
    const integers = fc.oneof(fc.integer({ min: -3, max: 60 }), fc.integer())
    const pattern = fc.array(integers, { minLength: 40, maxLength: 40 })
    const p = sizesOf({ ...three, in: 4, out: 3, batch: 5 })
    const capacity = 12
    const places = { x: 64, y: 1024, values: 2048, starts: 2100, places: 2120, entries: 2140, sums: 2200 }
    const size = 2300
    fc.assert(
      fc.property(pattern, fc.constantFrom(...Object.keys(kernels)), (list, name) => {
        const { x, y, values, starts, entries, sums } = places
        const common = { ...p, values, starts, places: places.places, capacity }
        const [instruction, result, length] =
          name === 'sparse convolution'
            ? ([call(sparseConv, { ...common, x, y, ...plainEnd }), y, outputFloats(p)] as const)
            : name === 'input gradient'
              ? ([
                  call(sparseConvInputGrad, { ...common, gradient: y, entries, dinput: x }),
                  x,
                  inputFloats(p),
                ] as const)
              : ([call(sparseConvWeightGrad, { ...common, x, gradient: y, parts: 2, sums }), sums, 24] as const)
        for (const machine of machines) {
          const arena = machine.allocate(size)
          arena.floats.fill(1)
          const bytes = arena.bytes(0, 4 * size)
          new Int32Array(bytes.buffer, bytes.byteOffset + 4 * starts, list.length).set(list)
          const before = bytes.slice()
          arena.run(Program.assemble([instruction], size))
          before.set(bytes.subarray(4 * result, 4 * (result + length)), 4 * result)
          expect(Buffer.compare(before, bytes)).toBe(0)
        }
      }),
      draws(60),
    )
  })
})

it('what the buffers cannot hold is refused', () => {
  const p = sizesOf({ ...three, w: 9000, batch: 16 })
  const places = { x: 0, values: 0, starts: 0, places: 0, capacity: 1, y: 0, ...plainEnd }
  expect(() => Program.assemble([call(sparseConv, { ...p, ...places })], 2 ** 30)).toThrow("engine's buffer")
  const grouped = { ...sizesOf(three), ...places, groups: 2 }
  expect(() => Program.assemble([call(sparseConv, grouped)], 2 ** 30)).toThrow('sparse weights have no groups')
})
