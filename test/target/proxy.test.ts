/** @file Estimated levels beside the formula by finite differences, and beside levels that are measured. */
import { expect, it } from 'vitest'
import { measureLevels } from '../../src/target/levels.ts'
import { estimateLevels, proxyError } from '../../src/target/proxy.ts'
import { Trials } from '../../src/target/trials.ts'
import { loadWeights, weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { rankCorrelation } from '../../src/util/rank-correlation.ts'
import { dataOf, machine, model } from '../train/small.ts'

const data = dataOf({ train: 200, test: 100 })
const trained = new Network({ machine, model, data, batch: 20, judged: 100 })
await train(trained, { epochs: 12, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
const weights = weightsOf(trained)
const tensors = trained.prunable
const trials = () =>
  new Trials({ machine, model, data, weights, source: 'small', tensors, method: 'magnitude', settings: {}, seed: 3 })

it('are half the sum of F d^2, as many times as checks say, F by finite differences of the loss of single samples', async () => {
  const { levels, scale } = await estimateLevels(trials(), tensors, { sparsities: [0.5, 0.9] })
  const network = new Network({ machine, model, data, batch: 1, judged: 1 })
  loadWeights(network, weights, 'small')
  const { name } = tensors[2]
  const values = network.values(name)
  const { train: samples } = network.indices
  const step = 1e-2
  const fisher = Array.from(values, (value, i) => {
    const lossesAt = (moved: number) => {
      values[i] = moved
      return Array.from(samples, (sample) => network.evaluateTraining(Uint32Array.of(sample)).loss)
    }
    const [up, down] = [lossesAt(value + step), lossesAt(value - step)]
    values[i] = value
    return up.reduce((sum, loss, n) => sum + ((loss - down[n]) / (2 * step)) ** 2, 0) / samples.length
  })
  const descending = Array.from(values, Math.abs).sort((a, b) => b - a)
  levels[2].levels.forEach(({ sparsity, kept, loss }) => {
    expect(kept).toBe(Math.round((1 - sparsity) * values.length))
    const least = descending[kept - 1]
    const expected = fisher.reduce((sum, f, i) => sum + (Math.abs(values[i]) < least ? (f * values[i] ** 2) / 2 : 0), 0)
    expect((loss - levels[2].levels[0].loss) / scale).toBeCloseTo(expected, 3)
  })
  expect(levels[2].levels[1].loss).toBeGreaterThan(levels[2].levels[0].loss)
})

it('hold the weights that measured levels hold, and checks are what was measured', async () => {
  const sparsities = [0.5, 0.7, 0.9]
  const measured = await measureLevels(trials(), tensors, { sparsities })
  const { levels, scale, checks } = await estimateLevels(trials(), tensors, { sparsities, checks: 5 })
  for (const [t, { name, size, levels: all }] of levels.entries()) {
    expect([name, size]).toEqual([measured[t].name, measured[t].size])
    expect(all.map(({ mask }) => mask)).toEqual(measured[t].levels.map(({ mask }) => mask))
  }
  expect(checks).toHaveLength(5)
  for (const { tensor, sparsity, measured: growth } of checks) {
    const all = measured.find(({ name }) => name === tensor)!.levels
    expect(growth).toBeCloseTo(all.find((level) => level.sparsity === sparsity)!.loss - all[0].loss, 6)
  }
  const factors = checks.map(({ estimated, measured: growth }) => growth / estimated).sort((a, b) => a - b)
  expect(scale).toBeCloseTo(factors[2], 6)
  const every = await estimateLevels(trials(), tensors, { sparsities, checks: 100 })
  expect(every.checks).toHaveLength(9)
  expect(proxyError(every).rankCorrelation).toBeGreaterThan(0.7)
})

it('errors of estimates are factors and ranks', () => {
  const check = (estimated: number, measured: number) => ({ tensor: 'w', sparsity: 0.5, estimated, measured })
  const checks = [check(1, 2), check(3, 3), check(8, 4), check(0, -1)]
  expect(proxyError({ scale: 2, checks })).toEqual({ factor: { least: 1, most: 4 }, rankCorrelation: 1 })
  expect(proxyError({ scale: 1, checks: [check(1, -2)] })).toEqual({})
})

it('rank correlations are from -1 to 1, with mean ranks of equal values', () => {
  expect(rankCorrelation([1, 2, 3], [10, 20, 30])).toBeCloseTo(1)
  expect(rankCorrelation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1)
  // Ranks 0, 1.5, 1.5, 3 beside 0, 1, 2, 3.
  expect(rankCorrelation([1, 5, 5, 9], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5))
  expect(rankCorrelation([1, 1], [1, 2])).toBeUndefined()
})
