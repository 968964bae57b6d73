import fc from 'fast-check'
import { it } from 'vitest'
import { floatBits } from '../../../src/engine/bits.ts'
import { call } from '../../../src/engine/kernel.ts'
import { batchNorm, batchNormGrad, batchNormTrain, runningAverage } from '../../../src/engine/kernels/norm.ts'
import { type Random, random } from '../../../src/util/random.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, exact, expectAgreement, ROUNDING, size, uniform, values } from '../../support/kernel-case.ts'

const EPSILON = 1e-5
const channels = fc.constantFrom(1, 2, 3, 5, 8)
/** Values per channel: one, a few, and more than the parallel chains of a sum. */
const counts = fc.oneof(size, fc.constantFrom(1, 2, 300, 1025))
const flag = fc.constantFrom(0, 1)
/** What is added, if anything, and where the result lies: in a place of its own, or over an operand. */
const residual = fc.record({ hasResidual: flag, over: fc.constantFrom('y', 'x', 'residual') })
/** Where the values lie: around 0, or far from it. */
const means = fc.constantFrom(0, 1, -100, 1e4)

const around = (rng: Random, n: number, mean: number) => uniform(rng, n).map((x) => Math.fround(mean + x))
const positive = (rng: Random, n: number) => uniform(rng, n).map((x) => Math.fround(0.1 + Math.abs(x)))

/**
 * Roundings behind one term of a sum over n values: the parallel chains take at least eight values at once.
 */
const depth = (n: number) => n / 8 + 12

/** Bounds over all channels: of x, of its distance from the mean, and of 1 / standard deviation. */
function bounds(x: readonly number[], n: number) {
  let [largest, distance, inverse] = [0, 0, 0]
  for (let from = 0; from < x.length; from += n) {
    const channel = x.slice(from, from + n)
    const mean = channel.reduce((a, b) => a + b) / n
    const variance = channel.reduce((a, b) => a + (b - mean) ** 2, 0) / n
    largest = Math.max(largest, ...channel.map(Math.abs))
    distance = Math.max(distance, ...channel.map((v) => Math.abs(v - mean)))
    inverse = Math.max(inverse, 1 / Math.sqrt(variance + EPSILON))
  }
  return { largest, distance, inverse }
}

onAllEngines((machines) => {
  it('normalizes with the statistics of the batch, adds, in place or not', () => {
    fc.assert(
      fc.property(
        channels,
        counts,
        means,
        flag,
        residual,
        values,
        (channels, n, mean, relu, { hasResidual, over }, rng) => {
          const x = around(rng, channels * n, mean)
          const { largest, distance, inverse } = bounds(x, n)
          const meanError = depth(n) * ROUNDING * largest
          const varError = 2 * depth(n) * ROUNDING * distance ** 2 + meanError ** 2
          const y = () => inverse * (3 * meanError + distance * (inverse ** 2 * varError + 4 * ROUNDING)) + 4 * ROUNDING
          expectAgreement(machines, {
            operands: {
              x,
              scale: uniform(rng, channels),
              bias: uniform(rng, channels),
              y: blank(x.length),
              residual: uniform(rng, x.length),
              mean: blank(channels),
              var: blank(channels),
            },
            call: (at) =>
              call(batchNormTrain, {
                channels,
                n,
                x: at.x,
                scale: at.scale,
                bias: at.bias,
                epsilon: floatBits(EPSILON),
                y: at[over],
                mean: at.mean,
                var: at.var,
                relu,
                residual: at.residual,
                hasResidual,
              }),
            writes: { [over]: y, mean: () => meanError, var: () => varError },
          })
        },
      ),
      draws(),
    )
  })

  it('normalizes with given statistics, adds, in place or not', () => {
    fc.assert(
      fc.property(
        channels,
        counts,
        means,
        flag,
        residual,
        values,
        (channels, n, mean, relu, { hasResidual, over }, rng) => {
          const variance = positive(rng, channels)
          const inverse = 1 / Math.sqrt(Math.min(...variance))
          const y = () => 8 * ROUNDING * (inverse * 2 * (Math.abs(mean) + 1) + 2)
          expectAgreement(machines, {
            operands: {
              x: around(rng, channels * n, mean),
              scale: uniform(rng, channels),
              bias: uniform(rng, channels),
              mean: around(rng, channels, mean),
              var: variance,
              y: blank(channels * n),
              residual: uniform(rng, channels * n),
            },
            call: (at) =>
              call(batchNorm, {
                channels,
                n,
                x: at.x,
                scale: at.scale,
                bias: at.bias,
                mean: at.mean,
                var: at.var,
                epsilon: floatBits(EPSILON),
                y: at[over],
                relu,
                residual: at.residual,
                hasResidual,
              }),
            writes: { [over]: y },
          })
        },
      ),
      draws(),
    )
  })

  /** Where the two maps that are results may lie. Without a sum or a mask there is only dx. */
  const places = fc.constantFrom(
    ...([
      ['g', 'dx'],
      ['dx', 'dx'],
      ['dy', 'dy'],
      ['dy', 'x'],
      ['more', 'more'],
      ['more', 'dy'],
      ['y', 'more'],
      ['g', 'x'],
    ] as const),
  )

  it('the gradient, of a sum or not, behind a ReLU or not, wherever the results may lie', () => {
    fc.assert(
      fc.property(
        channels,
        counts,
        means,
        flag,
        flag,
        places,
        values,
        (channels, n, mean, summed, masked, [g, dx], rng) => {
          const variance = positive(rng, channels)
          // Distances from the mean are below 2.
          const inverse = 1 / Math.sqrt(Math.min(...variance))
          const relative = 2 * depth(n) * ROUNDING
          const changed = summed + masked > 0
          expectAgreement(machines, {
            operands: {
              dy: uniform(rng, channels * n),
              more: uniform(rng, channels * n),
              x: around(rng, channels * n, mean),
              scale: uniform(rng, channels),
              mean: around(rng, channels, mean),
              var: variance,
              y: uniform(rng, channels * n).map((v) => Math.max(v, 0)),
              g: blank(channels * n),
              dx: blank(channels * n),
              dscale: blank(channels),
              dbias: blank(channels),
            },
            call: (at) =>
              call(batchNormGrad, {
                channels,
                n,
                dy: at.dy,
                x: at.x,
                scale: at.scale,
                mean: at.mean,
                var: at.var,
                summed,
                more: at.more,
                masked,
                y: at.y,
                g: at[g],
                epsilon: floatBits(EPSILON),
                dx: at[dx],
                dscale: at.dscale,
                dbias: at.dbias,
              }),
            writes: {
              ...(changed && { [g]: () => 2 * ROUNDING }),
              [dx]: () => inverse * relative * (4 + 12 * inverse ** 2),
              dscale: () => relative * n * 2 * inverse,
              dbias: () => relative * n,
            },
          })
        },
      ),
      draws(),
    )
  })

  it('the gradient behind a ReLU lets NaN through', () => {
    const n = 20
    const [dy, y] = [uniform(random(1, 'NaN'), 3 * n), uniform(random(2, 'NaN'), 3 * n)]
    dy[3] = Number.NaN
    y[3] = 1
    y[25] = Number.NaN
    const one = [1, 1, 1]
    const maps = { dy, y, x: uniform(random(3, 'NaN'), 3 * n), g: blank(3 * n), dx: blank(3 * n) }
    const tolerance = () => 64 * n * ROUNDING
    expectAgreement(machines, {
      operands: { ...maps, scale: one, mean: [0, 0, 0], var: one, dscale: blank(3), dbias: blank(3) },
      call: ({ dy, y, x, g, dx, scale, mean, var: variance, dscale, dbias }) =>
        call(batchNormGrad, {
          channels: 3,
          n,
          dy,
          x,
          scale,
          mean,
          var: variance,
          epsilon: floatBits(EPSILON),
          summed: 0,
          more: 0,
          masked: 1,
          y,
          g,
          dx,
          dscale,
          dbias,
        }),
      writes: { g: exact, dx: tolerance, dscale: tolerance, dbias: tolerance },
    })
  })

  it('a ReLU at the end lets NaN through', () => {
    const x = uniform(random(1, 'NaN'), 3 * 20)
    x[25] = Number.NaN
    const one = [1, 1, 1]
    const operands = { x, scale: one, bias: one, mean: [0, 0, 0], var: one, y: blank(60) }
    const tolerance = () => 8 * ROUNDING * 2
    expectAgreement(machines, {
      operands,
      call: (at) =>
        call(batchNorm, {
          channels: 3,
          n: 20,
          x: at.x,
          scale: at.scale,
          bias: at.bias,
          mean: at.mean,
          var: at.var,
          epsilon: floatBits(EPSILON),
          y: at.y,
          relu: 1,
          residual: 0,
          hasResidual: 0,
        }),
      writes: { y: tolerance },
    })
  })

  it('running averages', () => {
    const factors = fc.constantFrom(1, 1025 / 1024, 2)
    fc.assert(
      fc.property(size, fc.constantFrom(0, 0.1, 0.5, 1), factors, values, (n, rate, factor, rng) => {
        expectAgreement(machines, {
          operands: { x: uniform(rng, n), y: uniform(rng, n) },
          call: (at) => call(runningAverage, { n, x: at.x, y: at.y, rate: floatBits(rate), factor: floatBits(factor) }),
          writes: { x: () => 16 * ROUNDING },
        })
      }),
      draws(),
    )
  })
})
