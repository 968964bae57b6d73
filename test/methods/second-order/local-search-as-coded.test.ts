/**
 * @file The faithful mode beside the authors' search written down word for word, with every Q summed from
 * scratch.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { localSearch } from '../../../src/methods/second-order/brain-surgeon/local-search.ts'
import { random } from '../../../src/util/random.ts'
import { blocksOf, exchanged, type RemovalCase, removalCase, removalCost } from '../../support/removal-case.ts'

interface Limits {
  epsilon: number
  rho: number
  tau: number
  passes: number
  patience: number
}

type Loss = (masks: readonly ArrayLike<number>[]) => number

/** What the description calls by these names; P and R are lists of weights. */
function literal(problem: RemovalCase, perTensor: boolean, loss: Loss, limits: Limits) {
  const { epsilon, rho, tau, passes, patience } = limits
  let masks: Uint8Array[] = problem.start
  const Q = (some: Uint8Array[]) => removalCost(problem, some, perTensor)
  const delta = (i: number, j: number) => Q(exchanged(masks, i, j)) - Q(masks)
  const losses = [loss(masks)]
  const recorded = [masks]
  const counts: { swaps: number; rows: number; tests: number }[] = []
  let tests = 0
  let uncounted = 0
  let end = 'passes'
  for (let pass = 1; pass < passes; pass++) {
    const flat = masks.flatMap((mask) => [...mask])
    const alpha = (p: number) => Q(masks) - Q(exchanged(masks, p, -1))
    const beta = (r: number) => Q(exchanged(masks, -1, r)) - Q(masks)
    const gamma = (p: number, r: number) => beta(r) - alpha(p) - delta(p, r)
    const sorted = (items: number[], key: (q: number) => number) =>
      items
        .map((q) => ({ q, key: key(q) }))
        .sort((a, b) => a.key - b.key || a.q - b.q)
        .map(({ q }) => q)
    const weightsWith = (bit: number) => flat.map((_, q) => q).filter((q) => flat[q] === bit)
    const P = sorted(weightsWith(0), (p) => -alpha(p))
    end = 'converged'
    if (P.length === 0 || P.length === flat.length) break
    const R = sorted(weightsWith(1), (r) => beta(r) - gamma(P[0], r))
    const used = R.map(() => false)
    let swaps = 0
    const swap = (i: number, j: number) => {
      masks = exchanged(masks, P[i], R[j])
      used[j] = true
      swaps++
    }
    tests++
    if (delta(P[0], R[0]) > -epsilon) break
    swap(0, 0)
    let fails = 0
    let j = 0
    let i = 1
    for (; i <= P.length - 1; i++) {
      if (fails > tau) break
      const before = swaps
      for (const slot of range(Math.max(1, i - rho), Math.min(R.length, i + rho) - 1)) {
        j = slot
        if (used[j]) continue
        tests++
        if (delta(P[i], R[j]) <= -epsilon) {
          swap(i, j)
          break
        }
      }
      if (!used[j]) fails++
      else if (swaps === before) uncounted++
    }
    const L = loss(masks)
    const previous = Math.min(...losses)
    const since = pass - losses.indexOf(previous)
    losses.push(L)
    recorded.push(masks)
    counts.push({ swaps, rows: i, tests })
    end = 'patience'
    if (pass >= 2 && L > previous && since >= patience) break
    end = 'passes'
  }
  return { masks: recorded[losses.indexOf(Math.min(...losses))], losses, counts, end, uncounted }
}

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, k) => from + k)

/** A loss that has nothing to do with Q, and rises as often as it falls. */
const arbitrary: Loss = (masks) => random(0, masks.map((mask) => Array.from(mask).join('')).join(' ')).uniform()

function compare(problem: RemovalCase, perTensor: boolean, limits: Limits) {
  const expected = literal(problem, perTensor, arbitrary, limits)
  const options = { ...limits, faithful: true }
  const { masks, trace, end } = localSearch(
    blocksOf(problem, perTensor),
    problem.weights,
    problem.start,
    arbitrary,
    options,
  )
  expect(trace.map(({ loss }) => loss)).toEqual(expected.losses)
  expect(trace.slice(1).map(({ swaps, rows, tests }) => ({ swaps, rows, tests }))).toEqual(expected.counts)
  expect(masks).toEqual(expected.masks)
  expect(end).toBe(expected.end)
  return expected
}

describe.each([false, true])('one block per tensor: %s', (perTensor) => {
  it('makes the same exchanges, counts the same rows and tests, and chooses the same pass', () => {
    const problems = fc.record({
      seed: fc.nat(),
      a: fc.integer({ min: 1, max: 25 }),
      b: fc.integer({ min: 1, max: 25 }),
      samples: fc.integer({ min: 2, max: 12 }),
      share: fc.integer({ min: 0, max: 100 }),
      start: fc.constantFrom('magnitude' as const, 'random' as const),
    })
    const limits = fc.record({
      epsilon: fc.constantFrom(1e-4, 0.01, 0.1),
      rho: fc.integer({ min: 0, max: 5 }),
      tau: fc.integer({ min: 1, max: 4 }),
      passes: fc.integer({ min: 1, max: 12 }),
      patience: fc.integer({ min: 2, max: 3 }),
    })
    const seen = { passes: 0, swaps: 0, uncounted: 0, ends: new Set<string>() }
    fc.assert(
      fc.property(problems, limits, ({ seed, a, b, samples, share, start }, some) => {
        const removed = Math.round((share / 100) * (a + b))
        const problem = removalCase(seed, { sizes: [a, b], samples, removed, start })
        const { counts, uncounted, end } = compare(problem, perTensor, some)
        seen.passes += counts.length
        seen.swaps += counts.reduce((sum, pass) => sum + pass.swaps, 0)
        seen.uncounted += uncounted
        seen.ends.add(end)
      }),
      { numRuns: 400 },
    )
    // The cases are worth something: exchanges besides the head, fruitless rows that do not count, every way
    // to end.
    expect(seen.passes).toBeGreaterThan(200)
    expect(seen.swaps).toBeGreaterThan(1.5 * seen.passes)
    expect(seen.uncounted).toBeGreaterThan(50)
    expect([...seen.ends].sort()).toEqual(['converged', 'passes', 'patience'])
  })
})

it('ends where the head pair fails, though another pair would do', () => {
  // u = (3, -1, -3), the first two removed: v = 2. The head pair makes it -4, exchanging the other two would
  // make it 0.
  const problem: RemovalCase = {
    gradients: [[Float32Array.of(3, -1, -3)]],
    weights: [Float64Array.of(1, 1, 1)],
    start: [Uint8Array.of(0, 0, 1)],
  }
  const find = (faithful: boolean) =>
    localSearch(blocksOf(problem, false), problem.weights, problem.start, (m) => removalCost(problem, m), { faithful })
  expect(find(true)).toMatchObject({ masks: problem.start, end: 'converged', trace: { length: 1 } })
  expect(find(false).masks).toEqual([Uint8Array.of(0, 1, 0)])
})
