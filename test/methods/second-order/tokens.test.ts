/**
 * @file One step of WoodFisher, CBS-U, CBS and OBC on a network whose first layer sees two tokens of each
 * sample, against their formulas in dense algebra; gradients are those of one sample at a time by the
 * ordinary pass.
 */
import { expect, it } from 'vitest'
import { differentiate } from '../../../src/graph/differentiate.ts'
import { prunableParameters } from '../../../src/graph/graph.ts'
import { convLayer } from '../../../src/graph/operators/conv.ts'
import { gelu } from '../../../src/graph/operators/functions.ts'
import { linear } from '../../../src/graph/operators/linear.ts'
import { flatten } from '../../../src/graph/operators/shape.ts'
import { pruneObc } from '../../../src/methods/layerwise/driver.ts'
import { pruneSecondOrder, type SecondOrderOptions } from '../../../src/methods/second-order/driver.ts'
import { GradientSource } from '../../../src/methods/second-order/fisher/gradients.ts'
import type { Model } from '../../../src/models/model.ts'
import { Network } from '../../../src/train/network.ts'
import type { Forward } from '../../../src/train/options.ts'
import { train } from '../../../src/train/train.ts'
import { flat, worstError } from '../../support/columns-case.ts'
import { type Dense, dampedFisher, inverseDense, solveDense, timesVector } from '../../support/dense.ts'
import { removalCost } from '../../support/removal-case.ts'
import { dataOf, machine } from '../../train/small.ts'

const [SAMPLES, TOKENS, WIDTH] = [40, 2, 3]
const lambda = 1e-2
const sparsity = 0.5
const indices = Uint32Array.from({ length: SAMPLES }, (_, i) => i)

/** A layer of 4 x 3 on either token, GELU, and a classifier that sees both, of 3 x 8. */
const model: Model = {
  name: 'two-tokens',
  summary: 'for tests',
  image: [WIDTH, 1, TOKENS],
  classes: 3,
  build(graph, tokens) {
    const hidden = gelu(graph, convLayer(graph, tokens, 'fc1', 4, 1, { bias: true }))
    return linear(graph, flatten(graph, hidden), 'head', 3)
  },
}
const data = dataOf({ image: model.image, classes: 3, train: SAMPLES })
const tensors = ['fc1.weight', 'head.weight']

/** The gradients of the loss of a batch of one. */
function single(forward: Forward) {
  const { graph: pass, loss } = forward(1)
  const weights = prunableParameters(pass)
  const { graph, gradients } = differentiate(pass, loss, weights)
  gradients.forEach((gradient, i) => {
    graph.output(weights[i].name, gradient)
  })
  return graph
}

async function prepared() {
  const source = new GradientSource({ tensors, samples: SAMPLES })
  const programs = { ...source.programs, single }
  const network = new Network({ machine, model, data, batch: 8, judged: SAMPLES, programs })
  await train(network, { epochs: 40, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
  const weights = tensors.map((name) => Float64Array.from(network.values(name)))
  /** [tensor][sample][weight]. */
  const gradients = tensors.map((): Float32Array[] => [])
  for (let n = 0; n < SAMPLES; n++) {
    network.executable.write('single', 'index', indices.subarray(n, n + 1))
    network.executable.run('single')
    tensors.forEach((name, t) => void gradients[t].push(Float32Array.from(network.executable.read('single', name))))
  }
  const rows = gradients[0].map((row, n) => Float64Array.from([...row, ...gradients[1][n]]))
  return { network, source, weights, gradients, w: flat(weights), inverse: inverseDense(dampedFisher(rows, lambda)) }
}

type Case = Awaited<ReturnType<typeof prepared>>

/** Prunes in faithful mode, where nothing is chosen by the loss but what the search says. */
function prune({ network, source }: Case, options: Partial<SecondOrderOptions>) {
  const all = { method: 'woodfisher', faithful: true, sparsity, lambda, fisher: 'full', ...options } as const
  const result = pruneSecondOrder(network, source, { gradients: indices, judge: indices, ...all })
  const masks = tensors.map((name) => Float32Array.from(network.mask(name)))
  return { ...result, masks, mask: flat(masks), after: flat(tensors.map((name) => network.values(name))) }
}

const places = (mask: readonly number[], bit: number) => mask.flatMap((one, q) => (one === bit ? [q] : []))

it('WoodFisher removes the least w^2 / A_qq, and adds up the steps of single weights', async () => {
  const given = await prepared()
  const { w, inverse: a } = given
  const { mask, after, kept } = prune(given, {})
  const costs = w.map((x, q) => x ** 2 / a[q][q])
  const order = costs.map((_, q) => q).sort((p, q) => costs[q] - costs[p])
  expect(new Set(places(mask, 1))).toEqual(new Set(order.slice(0, kept)))
  // Some of either layer go and stay.
  for (const part of [mask.slice(0, 12), mask.slice(12)]) expect(new Set(part)).toEqual(new Set([0, 1]))
  const u = w.map((x, q) => (mask[q] === 0 ? x / a[q][q] : 0))
  const step = timesVector(a, u)
  expect(
    worstError(
      after,
      w.map((x, q) => (mask[q] === 0 ? 0 : x - step[q])),
    ),
  ).toBeLessThan(1e-4)
  expect(
    worstError(
      after,
      w.map((x, q) => x * mask[q]),
    ),
  ).toBeGreaterThan(1e-2)
})

it('CBS-U makes up for all removed weights together', async () => {
  const given = await prepared()
  const { w, inverse: a } = given
  const { mask, after } = prune(given, { method: 'cbs-update' })
  const removed = places(mask, 0)
  // w - A_P (A_PP)^-1 w_P.
  const x = solveDense(
    removed.map((p) => removed.map((q) => a[p][q])),
    removed.map((p) => [w[p]]),
  )
  const expected = w.map((value, q) =>
    mask[q] === 0 ? 0 : value - removed.reduce((sum, p, i) => sum + a[q][p] * x[i][0], 0),
  )
  expect(worstError(after, expected)).toBeLessThan(1e-3)
})

it('CBS exchanges weights until their joint effect on the loss is less, and says by how much', async () => {
  const given = await prepared()
  const { weights } = given
  // The largest weights are those that are removed at first.
  const { kept } = prune(await prepared(), {})
  const most = given.w.map(Math.abs).sort((a, b) => a - b)[kept - 1]
  const start = weights.map((some) => Float32Array.from(some, (x) => Number(Math.abs(x) <= most)))
  const { masks, stages } = prune(given, { method: 'cbs', start, update: 'none', limits: { epsilon: 1e-9 } })
  const { swaps, from, to } = stages[0].search!
  expect(from / removalCost(given, start)).toBeCloseTo(1, 3)
  expect(to / removalCost(given, masks)).toBeCloseTo(1, 3)
  expect(swaps).toBeGreaterThan(0)
  expect(to).toBeLessThan(0.9 * from)
})

it('OBC sees the products of both tokens of every sample', async () => {
  const { network } = await prepared()
  const w = [...network.values('fc1.weight')]
  const damp = 0.01
  const { images } = data.train
  // Columns of X: a sample's token each.
  const columns = Array.from({ length: SAMPLES * TOKENS }, (_, j) => {
    const [n, token] = [Math.floor(j / TOKENS), j % TOKENS]
    return Array.from(
      { length: WIDTH },
      (_, c) => (images[(n * WIDTH + c) * TOKENS + token] / 255 - data.mean[c]) / data.std[c],
    )
  })
  const gram: Dense = [0, 1, 2].map((p) => [0, 1, 2].map((q) => 2 * columns.reduce((sum, x) => sum + x[p] * x[q], 0)))
  const mean = gram.reduce((sum, row, p) => sum + row[p], 0) / WIDTH
  const h = gram.map((row, p) => row.map((value, q) => value + (p === q ? damp * mean : 0)))
  const rows = [0, 1, 2, 3].map((r) => w.slice(r * WIDTH, (r + 1) * WIDTH))
  /** The least error of a row without some weights, and what the others become: a Lagrangian. */
  const without = (row: readonly number[], removed: readonly number[]) => {
    const a = inverseDense(h)
    const x = solveDense(
      removed.map((p) => removed.map((q) => a[p][q])),
      removed.map((p) => [row[p]]),
    )
    const change = row.map((_, q) => removed.reduce((sum, p, i) => sum + a[q][p] * x[i][0], 0))
    const loss = change.reduce((sum, d, p) => sum + d * timesVector(h, change)[p], 0)
    return { loss, weights: row.map((value, q) => (removed.includes(q) ? 0 : value - change[q])) }
  }
  // Greedily, whichever weight of whichever row adds least; a row's own order is greedy, too.
  const removed: number[][] = rows.map(() => [])
  for (let step = 0; step < 6; step++) {
    const options = rows.flatMap((row, r) =>
      [0, 1, 2]
        .filter((p) => !removed[r].includes(p))
        .map((p) => ({ r, p, added: without(row, [...removed[r], p]).loss - without(row, removed[r]).loss })),
    )
    const { r, p } = options.reduce((least, one) => (one.added < least.added ? one : least))
    removed[r].push(p)
  }
  pruneObc(network, { sparsity, layers: ['fc1.weight'], samples: SAMPLES, damp })
  const expected = rows.flatMap((row, r) => without(row, removed[r]).weights)
  expect(worstError([...network.values('fc1.weight')], expected)).toBeLessThan(1e-4)
  expect(worstError(w, expected)).toBeGreaterThan(1e-2)
})
