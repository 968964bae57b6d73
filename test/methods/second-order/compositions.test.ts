/**
 * @file Starts, searches and updates in all combinations, against dense algebra on the whole Fisher matrix of
 * a small network: which weights are kept, and what the others become.
 */
import { describe, expect, it } from 'vitest'
import type { SearchName, StartName, UpdateName } from '../../../src/methods/second-order/composition.ts'
import { pruneSecondOrder, type SecondOrderOptions } from '../../../src/methods/second-order/driver.ts'
import { GradientSource } from '../../../src/methods/second-order/fisher/gradients.ts'
import type { Model } from '../../../src/models/model.ts'
import { weightCosts } from '../../../src/sparsity/multiply-adds.ts'
import { Network } from '../../../src/train/network.ts'
import { flat, worstError } from '../../support/columns-case.ts'
import { type Dense, dampedFisher, identity, inverseDense, solveDense, timesVector } from '../../support/dense.ts'
import { smallConv, smallImages, stirBatchNorm } from '../../support/small-conv.ts'
import { dataOf, machine, model as small } from '../../train/small.ts'

const SAMPLES = 30
const lambda = 1e-2
const sparsity = 0.6
const indices = Uint32Array.from({ length: SAMPLES }, (_, i) => i)

function prepared(model: Model = smallConv, data = smallImages({ train: SAMPLES })) {
  const tensors = new Network({ machine, model, data, batch: 8 }).prunable.map(({ name }) => name)
  const source = new GradientSource({ tensors, samples: SAMPLES })
  const network = new Network({ machine, model, data, batch: 8, judged: SAMPLES, programs: source.programs })
  stirBatchNorm(network)
  return { source, network, tensors }
}

const valuesOf = ({ network, tensors }: ReturnType<typeof prepared>) =>
  tensors.map((name) => Float64Array.from(network.values(name)))

/** The weights before, and the rows of all gradients: a case to compute with by hand. */
function dense(given: ReturnType<typeof prepared>) {
  const { tensors } = given.source.collect(given.network, indices)
  const g = Array.from({ length: SAMPLES }, () => [] as number[])
  for (const tensor of tensors)
    for (let q = 0; q < tensor.size; q++) {
      const column = new Float64Array(SAMPLES)
      tensor.column(q, column)
      column.forEach((x, i) => void g[i].push(x))
    }
  const w = flat(valuesOf(given))
  const mean = w.map((_, q) => g.reduce((sum, row) => sum + row[q], 0) / SAMPLES)
  const a = inverseDense(
    dampedFisher(
      g.map((row) => Float64Array.from(row)),
      lambda,
    ),
  )
  return { w, a, mean, along: timesVector(a, mean) }
}

type Case = ReturnType<typeof dense>

/** Prunes in faithful mode, where nothing is chosen by the loss; the weights of all tensors afterwards. */
function prune(options: Partial<SecondOrderOptions>, given = prepared()) {
  const { network, source } = given
  const all = { method: 'woodfisher', faithful: true, sparsity, lambda, ...options } as const
  const { stages, kept } = pruneSecondOrder(network, source, { gradients: indices, judge: indices, ...all })
  const masks = given.tensors.map((name) => Float32Array.from(network.mask(name)))
  return { weights: flat(valuesOf(given)), mask: flat(masks), masks, stages, kept }
}

/** Ones at the largest scores but the k-th, as the published code counts. */
function top(scores: readonly number[]): number[] {
  const keep = Math.ceil(scores.length * (1 - sparsity)) - 1
  const order = scores.map((_, q) => q).sort((a, b) => scores[b] - scores[a])
  const kept = new Set(order.slice(0, keep))
  return scores.map((_, q) => (kept.has(q) ? 1 : 0))
}

const scores: Record<'magnitude' | 'woodfisher' | 'woodtaylor', (c: Case) => number[]> = {
  magnitude: ({ w }) => w.map(Math.abs),
  woodfisher: ({ w, a }) => w.map((x, q) => x ** 2 / (2 * a[q][q])),
  woodtaylor: ({ w, a, along }) => w.map((x, q) => (x - along[q]) ** 2 / (2 * a[q][q])),
}

/** The least of g'd + d'Hd/2 where d_q = -w_q for all q of P, by one system with multipliers. */
function least(h: Dense, mean: readonly number[], w: readonly number[], removed: readonly number[], share: number) {
  const system = [
    ...h.map((row, q) => [...row, ...removed.map((p) => Number(p === q))]),
    ...removed.map((p) => [...w.map((_, q) => Number(p === q)), ...removed.map(() => 0)]),
  ]
  const right = [...mean.map((x) => [-share * x]), ...removed.map((p) => [-w[p]])]
  return solveDense(system, right)
    .slice(0, w.length)
    .map(([x]) => x)
}

const removedOf = (mask: readonly number[]) => [...mask.keys()].filter((q) => mask[q] === 0)

const updates: Record<UpdateName, (c: Case, mask: number[], firstOrder: boolean) => number[]> = {
  none: ({ w }) => w.map(() => 0),
  // The sum of the steps of single weights, each the least of its own problem; A g is common to all.
  single: ({ w, a, along }, mask, firstOrder) => {
    const g = firstOrder ? along : w.map(() => 0)
    const sum = g.map((x) => -x)
    for (const q of removedOf(mask)) for (const p of w.keys()) sum[p] -= ((w[q] - g[q]) / a[q][q]) * a[p][q]
    return sum
  },
  // A first-order term as the published code has it: a thousandth of A g beside the least of the problem.
  multiple: ({ w, a, along }, mask, firstOrder) => {
    const compensation = least(inverseDense(a), Array(w.length).fill(0), w, removedOf(mask), 0)
    return compensation.map((x, q) => x - (firstOrder ? 1e-3 * along[q] : 0))
  },
}

function expectWeights(got: readonly number[], { w }: Case, mask: readonly number[], change: readonly number[]) {
  const want = w.map((x, q) => (mask[q] ? x + change[q] : 0))
  const largest = Math.max(...want.map(Math.abs))
  expect(worstError(got, want, Array(want.length).fill(largest))).toBeLessThan(1e-5)
}

describe('a start and an update', () => {
  for (const start of ['magnitude', 'woodfisher', 'woodtaylor'] as const)
    for (const update of ['none', 'single', 'multiple'] as const)
      it(`${start}, ${update}`, () => {
        const given = prepared()
        const found = dense(given)
        const { weights, mask } = prune({ start, update }, given)
        const want = top(scores[start](found))
        expect(mask).toEqual(want)
        expectWeights(weights, found, want, updates[update](found, want, start === 'woodtaylor' && update === 'single'))
      })

  it.each<UpdateName>(['single', 'multiple'])('%s with a first-order term, and a share of it all', (update) => {
    for (const scale of [1, 0.4]) {
      const given = prepared()
      const found = dense(given)
      const { weights, mask, stages } = prune({ start: 'magnitude', update, firstOrder: 1, scale }, given)
      const [whole, without] = [true, false].map((firstOrder) => updates[update](found, mask, firstOrder))
      const change = without.map((x, q) => scale * x + whole[q] - x)
      expectWeights(weights, found, mask, change)
      expect(stages[0]).toMatchObject({ scale, firstOrder: 1 })
    }
  })

  it('random: as many weights, others for every seed, and the same for the same', () => {
    const masks = [0, 0, 1].map((seed) => prune({ start: 'random', update: 'none', seed }).mask)
    expect(masks[1]).toEqual(masks[0])
    expect(masks[2]).not.toEqual(masks[0])
    for (const mask of masks) expect(mask.filter(Boolean)).toHaveLength(Math.ceil(153 * 0.4) - 1)
    const given = prepared()
    const found = dense(given)
    const { weights, mask } = prune({ start: 'random', update: 'multiple' }, given)
    expect(mask).toEqual(masks[0])
    expectWeights(weights, found, mask, updates.multiple(found, mask, false))
  })
})

it('WoodTaylor is the least of the quadratic model with its first-order term, weight by weight', () => {
  const found = dense(prepared())
  const { w, a, mean } = found
  const h = inverseDense(a)
  const cost = (d: number[]) =>
    d.reduce((sum, x, q) => sum + mean[q] * x, 0) + timesVector(h, d).reduce((sum, x, q) => sum + (x * d[q]) / 2, 0)
  const constant = cost(timesVector(a, mean).map((x) => -x))
  const saliency = scores.woodtaylor(found)
  for (const q of [0, 40, 100, 152]) {
    const d = least(h, mean, w, [q], 1)
    expect(cost(d) - constant).toBeCloseTo(saliency[q], 8)
  }
})

describe('K-FAC', () => {
  /** Kronecker factors of every layer, damped as in the published code, or with the share of each. */
  function inverses(given: ReturnType<typeof prepared>, balanced: boolean): Dense {
    const all: Dense[] = given.source.collect(given.network, indices).tensors.map(({ factors }) => {
      const means = [factors!.left, factors!.right].map((rows) =>
        Array.from({ length: rows.count }, (_, i) =>
          Array.from(
            { length: rows.count },
            (_, j) => rows.row(i).reduce((s, x, k) => s + x * rows.row(j)[k], 0) / SAMPLES,
          ),
        ),
      )
      const [l, r] = means.map((m) => m.reduce((sum, row, i) => sum + row[i], 0) / m.length)
      const pi = balanced ? Math.sqrt(r / l) : 1
      const shifts = [Math.sqrt(lambda) / pi, Math.sqrt(lambda) * pi]
      const damped = means.map((m, f) => m.map((row, i) => row.map((x, j) => x + (i === j ? shifts[f] : 0))))
      const [s, x] = damped
      // The whole matrix of the layer, and its inverse by elimination.
      const whole = s.flatMap((rowS) => x.map((rowX) => rowS.flatMap((u) => rowX.map((v) => u * v))))
      return inverseDense(whole)
    })
    const n = all.reduce((sum, { length }) => sum + length, 0)
    const matrix = identity(n).map((row) => row.map(() => 0))
    let at = 0
    for (const block of all) {
      block.forEach((row, i) => void row.forEach((v, j) => void (matrix[at + i][at + j] = v)))
      at += block.length
    }
    return matrix
  }

  it.each([true, false])('with the inverse of every layer formed, faithful %s', (faithful) => {
    const given = prepared(small, dataOf({ train: SAMPLES }))
    const w = flat(valuesOf(given))
    const a = inverses(given, !faithful)
    const found = { w, a, mean: [], along: [] }
    const usual = { method: 'kfac', stages: 1, scale: 1, lambda } as const
    const { weights, mask } = prune({ ...usual, start: undefined, faithful }, given)
    expect(mask).toEqual(top(scores.woodfisher(found)))
    expectWeights(weights, found, mask, updates.single(found, mask, false))
  })
})

describe('a search', () => {
  const searched = (search: SearchName, start: StartName, update: UpdateName = 'none', more = {}) =>
    prune({ method: 'cbs', start, search, update, limits: { epsilon: 1e-9 }, ...more })
  const counts = ({ masks }: { masks: Float32Array[] }) => masks.map((mask) => mask.reduce((a, b) => a + b, 0))

  it.each<StartName>(['magnitude', 'woodfisher', 'random'])('begins with %s', (start) => {
    const begun = prune({ start, update: 'none' })
    expect(searched('global', start, 'none', { limits: { passes: 1 } }).mask).toEqual(begun.mask)
    const found = searched('global', start)
    expect(found.kept).toBe(begun.kept)
    expect(found.stages[0].search!.swaps).toBeGreaterThan(0)
    expect(found.stages[0].search!.to).toBeLessThan(found.stages[0].search!.from)
  })

  it('by layer: counts of tensors stay as they are, across layers they do not', () => {
    let [within, across] = [0, 0]
    for (let seed = 0; seed < 8; seed++) {
      const begun = prune({ start: 'random', update: 'none', seed })
      const [layer, global] = (['layer', 'global'] as const).map((search) =>
        searched(search, 'random', 'none', { seed }),
      )
      expect(layer.stages[0].search!.swaps).toBeGreaterThan(0)
      expect(counts(layer)).toEqual(counts(begun))
      // The loss may like the start best.
      if (layer.mask.some((m, q) => m !== begun.mask[q])) within++
      if (String(counts(global)) !== String(counts(begun))) across++
    }
    expect(within).toBeGreaterThan(0)
    expect(across).toBeGreaterThan(0)
  })

  it('none: the best start mask alone, with or without an update', () => {
    const best = searched('none', 'random-magnitude')
    expect(best.mask).toEqual(searched('global', 'random-magnitude', 'none', { limits: { passes: 1 } }).mask)
    const given = prepared()
    const found = dense(given)
    const { weights, mask } = prune({ method: 'cbs', search: 'none' }, given)
    expect(mask).toEqual(best.mask)
    expectWeights(weights, found, mask, updates.multiple(found, mask, false))
  })

  it('with its update each pass: judged by it', () => {
    const limits = { epsilon: 1e-9, patience: 50 }
    let better = 0
    for (let seed = 0; seed < 6; seed++) {
      const run = (updateEachPass: boolean) =>
        searched('global', 'random', 'multiple', { limits, updateEachPass, seed })
      const [after, each] = [run(false), run(true)]
      expect(each.stages[0].updated!).toBeLessThanOrEqual(after.stages[0].updated!)
      if (each.stages[0].updated! === after.stages[0].updated!) continue
      better++
      expect(each.stages[0].search!.swaps).toBe(after.stages[0].search!.swaps)
      const found = dense(prepared())
      expectWeights(each.weights, found, each.mask, updates.multiple(found, each.mask, false))
    }
    expect(better).toBeGreaterThan(0)
  })

  it('three steps with the mask of each handed on are the whole method', () => {
    const whole = prune({ method: 'cbs' })
    const select = prune({ method: 'cbs-select' })
    const update = prune({ method: 'cbs-update', start: select.masks })
    expect(update.mask).toEqual(whole.mask)
    expect(update.weights).toEqual(whole.weights)
    expect(update.weights).not.toEqual(select.weights)
  })
})

it('flopsPower: scores are divided by the multiply-adds of a weight to this power', () => {
  const given = prepared()
  const costs = weightCosts(given.network.model)
  const found = dense(given)
  const price = given.tensors.flatMap((name) => Array<number>(given.network.values(name).length).fill(costs.get(name)!))
  for (const [start, flopsPower] of [
    ['magnitude', 0.3],
    ['woodfisher', 1],
  ] as const) {
    const { mask } = prune({ start, update: 'none', flopsPower })
    const weighed = scores[start](found).map((score, q) => score / price[q] ** flopsPower)
    expect(mask).toEqual(top(weighed))
    expect(mask).not.toEqual(top(scores[start](found)))
  }
})

it('a sparsity for every tensor: each keeps its own share, in every stage', () => {
  const sparsities = [0.2, 0.9, 0.5]
  for (const stages of [1, 3]) {
    const { masks } = prune({ start: 'woodfisher', sparsities, stages, faithful: false })
    expect(masks.map((mask) => mask.reduce((a, b) => a + b, 0))).toEqual([22, 5, 36])
  }
  const { masks } = prune({ method: 'cbs', start: 'magnitude', search: 'layer', update: 'none', sparsities })
  expect(masks.map((mask) => mask.reduce((a, b) => a + b, 0))).toEqual([21, 5, 35])
})
