import fc from 'fast-check'
import { it } from 'vitest'
import { floatBits } from '../../../src/engine/bits.ts'
import { call } from '../../../src/engine/kernel.ts'
import { batchNorm, batchNormGrad, batchNormTrain, runningAverage } from '../../../src/engine/kernels/norm.ts'
import { type Random, random } from '../../../src/util/random.ts'
import { onEveryEngine } from '../../support/engines.ts'
import { blank, expectAgreement, ROUNDING, size, uniform, values } from '../../support/kernel-case.ts'

const EPSILON = 1e-5
const channels = fc.constantFrom(1, 2, 3, 5, 8)
/** Values per channel: one, a few, and more than the parallel chains of a sum. */
const counts = fc.oneof(size, fc.constantFrom(1, 2, 300, 1025))
const flag = fc.constantFrom(0, 1)
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

onEveryEngine((machines) => {
  it('normalizes with the statistics of the batch, in place or not', () => {
    fc.assert(
      fc.property(channels, counts, means, flag, flag, values, (channels, n, mean, relu, inPlace, rng) => {
        const x = around(rng, channels * n, mean)
        const { largest, distance, inverse } = bounds(x, n)
        const meanError = depth(n) * ROUNDING * largest
        const varError = 2 * depth(n) * ROUNDING * distance ** 2 + meanError ** 2
        const y = () => inverse * (3 * meanError + distance * (inverse ** 2 * varError + 4 * ROUNDING)) + 2 * ROUNDING
        expectAgreement(machines, {
          operands: {
            x,
            scale: uniform(rng, channels),
            bias: uniform(rng, channels),
            y: blank(x.length),
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
              y: inPlace ? at.x : at.y,
              mean: at.mean,
              var: at.var,
              relu,
            }),
          writes: { [inPlace ? 'x' : 'y']: y, mean: () => meanError, var: () => varError },
        })
      }),
    )
  })

  it('normalizes with given statistics, in place or not', () => {
    fc.assert(
      fc.property(channels, counts, means, flag, flag, values, (channels, n, mean, relu, inPlace, rng) => {
        const variance = positive(rng, channels)
        const inverse = 1 / Math.sqrt(Math.min(...variance))
        const y = () => 8 * ROUNDING * (inverse * 2 * (Math.abs(mean) + 1) + 1)
        expectAgreement(machines, {
          operands: {
            x: around(rng, channels * n, mean),
            scale: uniform(rng, channels),
            bias: uniform(rng, channels),
            mean: around(rng, channels, mean),
            var: variance,
            y: blank(channels * n),
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
              y: inPlace ? at.x : at.y,
              relu,
            }),
          writes: { [inPlace ? 'x' : 'y']: y },
        })
      }),
    )
  })

  it('the gradient, behind a ReLU or not, in place or not', () => {
    fc.assert(
      fc.property(channels, counts, means, flag, flag, values, (channels, n, mean, masked, inPlace, rng) => {
        const variance = positive(rng, channels)
        // Distances from the mean are below 2.
        const inverse = 1 / Math.sqrt(Math.min(...variance))
        const relative = depth(n) * ROUNDING
        const dx = () => inverse * relative * (4 + 12 * inverse ** 2)
        expectAgreement(machines, {
          operands: {
            dy: uniform(rng, channels * n),
            x: around(rng, channels * n, mean),
            scale: uniform(rng, channels),
            mean: around(rng, channels, mean),
            var: variance,
            y: uniform(rng, channels * n).map((v) => (masked ? Math.max(v, 0) : v)),
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
              masked,
              y: at.y,
              epsilon: floatBits(EPSILON),
              dx: inPlace ? at.dy : at.dx,
              dscale: at.dscale,
              dbias: at.dbias,
            }),
          writes: {
            [inPlace ? 'dy' : 'dx']: dx,
            dscale: () => relative * n * 2 * inverse,
            dbias: () => relative * n,
          },
        })
      }),
    )
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
    )
  })
})
