/**
 * @file Layers that lost channels, solved anew: beside least squares by brute force, and copies of channels.
 */
import { describe, expect, it } from 'vitest'
import { methods } from '../../src/methods/index.ts'
import type { LayerMatrix } from '../../src/methods/layerwise/layer.ts'
import { DAMP, withoutInputs } from '../../src/methods/layerwise/lost-inputs.ts'
import { prunedResult } from '../../src/methods/masks.ts'
import { once, type PruningPlan, type PruningRequest } from '../../src/methods/method.ts'
import { withReconstruction } from '../../src/methods/reconstruct.ts'
import type { Model } from '../../src/models/model.ts'
import { channelGroups } from '../../src/sparsity/granularity/channel-groups.ts'
import { Network } from '../../src/train/network.ts'
import { random } from '../../src/util/random.ts'
import { smallConv, smallImages, stirBatchNorm } from '../support/small-conv.ts'
import { dataOf, machine, model as mlp } from '../train/small.ts'

/** x of A x = b by elimination. */
function eliminated(a: number[][], b: number[]): number[] {
  const m = a.map((row, i) => [...row, b[i]])
  for (let i = 0; i < m.length; i++) {
    const best = m.slice(i).reduce((p, row, r) => (Math.abs(row[i]) > Math.abs(m[p][i]) ? i + r : p), i)
    ;[m[i], m[best]] = [m[best], m[i]]
    for (let r = 0; r < m.length; r++) {
      if (r === i) continue
      const factor = m[r][i] / m[i][i]
      for (let c = i; c <= m.length; c++) m[r][c] -= factor * m[i][c]
    }
  }
  return m.map((row, i) => row[m.length] / row[i])
}

/** The weights on `kept` inputs with the outputs nearest to those of w, for inputs x [count][n]. */
function nearest(w: ArrayLike<number>, x: number[][], kept: number[]): number[] {
  const mean = kept.reduce((sum, i) => sum + x.reduce((all, one) => all + 2 * one[i] ** 2, 0), 0) / kept.length
  const y = x.map((one) => one.reduce((sum, v, i) => sum + v * w[i], 0))
  const ridge = DAMP * mean
  const a = kept.map((i) => kept.map((j) => x.reduce((s, one) => s + 2 * one[i] * one[j], i === j ? ridge : 0)))
  const b = kept.map((i) => x.reduce((sum, one, n) => sum + 2 * one[i] * y[n], ridge * w[i]))
  const v = eliminated(a, b)
  return Array.from({ length: w.length }, (_, i) => (kept.includes(i) ? v[kept.indexOf(i)] : 0))
}

const gramOf = (x: number[][]) => {
  const n = x[0].length
  return Float64Array.from({ length: n * n }, (_, at) =>
    x.reduce((sum, one) => sum + 2 * one[Math.floor(at / n)] * one[at % n], 0),
  )
}

describe('a layer without some of its inputs', () => {
  const draw = random(4, 'weights and inputs')
  const inputs = (count: number, n: number) =>
    Array.from({ length: count }, () => {
      const common = draw.normal()
      return Array.from({ length: n }, () => draw.normal() + common)
    })

  it.each([
    ['linear', { rows: 3, columns: 7, groups: 1, transposed: false, shape: [3, 7] }],
    ['stored with inputs first', { rows: 3, columns: 7, groups: 1, transposed: true, shape: [7, 3] }],
    ['in two groups', { rows: 4, columns: 6, groups: 2, transposed: false, shape: [4, 6, 1, 1] }],
  ])('%s has the weights of the normal equations', (_, facts) => {
    const layer: LayerMatrix = { name: 'w', ...facts }
    const { rows, columns: n, groups, transposed } = layer
    const place = (row: number, i: number) => (transposed ? i * rows + row : row * n + i)
    const dense = Float32Array.from({ length: rows * n }, () => draw.normal())
    const x = Array.from({ length: groups }, () => inputs(40, n))
    const kept = [
      [0, 2, 3, 5],
      [1, 4],
    ].slice(0, groups)
    const mask = new Float32Array(rows * n)
    const groupOf = (row: number) => Math.floor((row * groups) / rows)
    // The first row goes as a whole, and is solved like the others.
    for (let row = 1; row < rows; row++) for (const i of kept[groupOf(row)]) mask[place(row, i)] = 1
    const { weights, before, after } = withoutInputs(machine, layer, { dense, mask }, x.map(gramOf))
    for (let row = 0; row < rows; row++) {
      const old = Array.from({ length: n }, (_, i) => dense[place(row, i)])
      const expected = nearest(old, x[groupOf(row)], kept[groupOf(row)])
      expected.forEach((value, i) => {
        expect(weights[place(row, i)]).toBeCloseTo(value, 8)
      })
    }
    expect(after).toBeLessThan(before)
    expect(after).toBeGreaterThan(0)
  })
})

const requestOf = (model: Model, network: Network): PruningRequest => ({
  model,
  data: { name: 'synthetic', samples: network.data.train.count },
  tensors: network.prunable,
  scope: 'global',
  masks: { granularity: 'channel' },
  seed: 0,
  nameOf: (setting) => setting,
})

/** A plan that removes channels of some layers, with all that is tied to them. */
const removing = (model: Model, channels: Record<string, number[]>): PruningPlan => ({
  settings: {},
  network: {},
  prune(network) {
    const { groups } = channelGroups(model, new Set(network.prunable.map(({ name }) => name)))
    for (const { filters, rest } of groups) {
      const [{ parameter, start, length }] = filters
      if (!channels[parameter]?.includes(start / length)) continue
      for (const part of [...filters, ...rest])
        for (let t = 0; t < part.times; t++)
          network.mask(part.parameter).fill(0, part.start + t * part.step, part.start + t * part.step + part.length)
    }
    network.applyMasks()
    return prunedResult(network)
  },
})

it('a network whose removed channels are copies of others computes what it did', () => {
  const data = smallImages({ train: 60 })
  const inner = removing(smallConv, { 'conv1.weight': [2], 'conv2.weight': [0] })
  const lossesAfter = (plan: PruningPlan | undefined) => {
    const network = new Network({ machine, model: smallConv, data, batch: 4, seed: 1, ...plan?.network })
    stirBatchNorm(network)
    const copy = (name: string, from: number, to: number, size: number) =>
      network.values(name).copyWithin(to * size, from * size, (from + 1) * size)
    for (const end of ['weight', 'bias', 'running_mean', 'running_var']) {
      copy(`bn1.${end}`, 0, 2, 1)
      copy(`bn2.${end}`, 1, 0, 1)
    }
    copy('conv1.weight', 0, 2, 9)
    copy('conv2.weight', 1, 0, 27)
    const result = plan?.prune(network, once(0.5), 0)
    const single = new Network({ machine, model: smallConv, data, judged: 1, batch: 4 })
    for (const { name } of network.stored) single.values(name).set(network.values(name))
    return { result, losses: Array.from({ length: 40 }, (_, i) => single.trainingLoss(Uint32Array.of(i))) }
  }
  const dense = lossesAfter(undefined)
  const lost = lossesAfter(inner)
  const back = lossesAfter(
    withReconstruction(inner, requestOf(smallConv, new Network({ machine, model: smallConv, data }))),
  )
  expect(back.result?.layers.map(({ kept }) => kept)).toEqual([18, 18, 36])
  expect(back.result?.reconstructed).toMatchObject({
    taken: true,
    layers: [{ name: 'conv2.weight' }, { name: 'fc.weight' }],
  })
  const apart = (a: number[]) => Math.max(...a.map((loss, i) => Math.abs(loss - dense.losses[i])))
  expect(apart(lost.losses)).toBeGreaterThan(0.05)
  expect(apart(back.losses)).toBeLessThan(1e-4)
})

describe('from layer to layer', () => {
  const data = dataOf({ train: 200 })
  const dense = new Network({ machine, model: mlp, data, batch: 4, seed: 1 })
  const request = requestOf(mlp, dense)
  const inner = removing(mlp, { 'fc1.weight': [1, 4, 5, 6, 10], 'fc2.weight': [0, 2, 3] })
  const run = (plan: PruningPlan) => {
    const network = new Network({ machine, model: mlp, data, batch: 4, seed: 1, ...plan.network })
    return { network, result: plan.prune(network, once(0.5), 0) }
  }
  const { network: plain } = run(inner)

  it('inputs are those of the pruned network', () => {
    // Weights that nothing has trained lower the loss of some samples only.
    const judges = Array.from({ length: 12 }, (_, judge) => Uint32Array.of(judge))
    const { network } = judges
      .map((judge) => run(withReconstruction(inner, request, () => judge)))
      .find(({ result }) => result.reconstructed?.taken)!
    const layer = (name: string, w: ArrayLike<number>, x: number[][]) =>
      x.map((one) =>
        Array.from(dense.values(`${name}.bias`), (b, o) =>
          Math.max(
            0,
            one.reduce((sum, v, i) => sum + v * w[o * one.length + i], b),
          ),
        ),
      )
    const images = Array.from({ length: 200 }, (_, n) =>
      Array.from(data.train.images.subarray(25 * n, 25 * n + 25), (byte) => (byte / 255 - data.mean[0]) / data.std[0]),
    )
    const chosen = [...random(0, 'calibration images').permutation(200).slice(0, 100)].map((i) => images[i])
    const solve = (name: string, x: number[][], kept: number[]) => {
      const n = x[0].length
      const w = dense.values(name)
      return Array.from({ length: w.length / n }, (_, o) => nearest(w.subarray(o * n, (o + 1) * n), x, kept)).flat()
    }
    const first = layer('fc1', dense.values('fc1.weight'), chosen)
    const second = solve('fc2.weight', first, [0, 2, 3, 7, 8, 9, 11])
    const third = solve('fc3.weight', layer('fc2', second, first), [1, 4, 5, 6, 7])
    for (const [name, expected] of [
      ['fc2.weight', second],
      ['fc3.weight', third],
    ] as const) {
      const mask = network.mask(name)
      expect(mask).toEqual(plain.mask(name))
      network.values(name).forEach((value, i) => {
        expect(value).toBeCloseTo(mask[i] ? expected[i] : 0, 4)
      })
    }
    expect(network.values('fc1.weight')).toEqual(plain.values('fc1.weight'))
  })

  it('what raises the loss of the samples that judge does not stay', () => {
    const seen = new Set<boolean>()
    for (let judge = 0; judge < 12; judge++) {
      const { network, result } = run(withReconstruction(inner, request, () => Uint32Array.of(judge)))
      const { taken, before, after } = result.reconstructed!
      expect(taken).toBe(after < before)
      expect(network.trainingLoss(Uint32Array.of(judge))).toBeCloseTo(Math.min(before, after), 5)
      if (!taken) for (const { name } of dense.prunable) expect(network.values(name)).toEqual(plain.values(name))
      seen.add(taken)
    }
    expect(seen.size).toBe(2)
  })

  it('is part of pruning channels by scores, and refused of anything else', async () => {
    const settings = { refreshBatchNorm: 'none' }
    const pruned = async (more: object) => run(await methods.magnitude.plan({ ...settings, ...more }, request))
    expect((await pruned({})).result.reconstructed?.layers).toHaveLength(1)
    expect((await pruned({ reconstruct: 'none' })).result.reconstructed).toBeUndefined()
    await expect(
      methods.magnitude.plan({ reconstruct: 'auto' }, { ...request, masks: { granularity: '2:4' } }),
    ).rejects.toThrow(
      'reconstruct is for whole channels, which layers lose as inputs: expected granularity channel, found 2:4',
    )
  })
})
