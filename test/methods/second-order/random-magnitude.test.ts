import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  randomMagnitude,
  randomMagnitudeCandidates,
} from '../../../src/methods/second-order/brain-surgeon/random-magnitude.ts'
import type { Masks } from '../../../src/methods/second-order/fisher/flat.ts'
import { selectTop } from '../../../src/select/top.ts'
import { keptCount } from '../../../src/sparsity/count.ts'
import { numpyPermutation } from '../../../src/util/numpy-random.ts'
import { random } from '../../../src/util/random.ts'

const count = (masks: Masks) => masks.reduce((sum, mask) => sum + mask.reduce((a, b) => a + b, 0), 0)
const flat = (masks: Masks) => masks.flatMap((mask) => [...mask])

const shares = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000)

/** Distinct magnitudes of either sign in the shapes of MLPNet. */
function mlpnet(): Float32Array[] {
  const order = random(3, 'weights').permutation(32_360)
  const values = Float32Array.from(order, (place, i) => (i % 2 ? -1 : 1) * (place + 1))
  return [values.subarray(0, 31_360), values.subarray(31_360, 32_160), values.subarray(32_160)]
}

describe('faithful', () => {
  // NumPy with the authors' rounding.
  it.each([
    { sparsity: 0.98, first: 646, others: 712 },
    { sparsity: 0.95, first: 1617, others: 1780 },
    { sparsity: 0.9, first: 3234, others: 3382 },
    { sparsity: 0.8, first: 6470, others: 6586 },
    { sparsity: 0.5, first: 16_179, others: 16_198 },
  ])(
    'MLPNet at $sparsity keeps $first weights in candidate 0 and $others in the others',
    ({ sparsity, first, others }) => {
      const draw = randomMagnitudeCandidates(mlpnet(), { sparsity, faithful: true })
      expect([0, 1, 2, 49].map((t) => count(draw(t)))).toEqual([first, others, others, others])
    },
  )

  /** The description, word for word, over plain arrays. */
  function literal(w: number[], s: number, t: number): number[] {
    const n = w.length
    const floor = Math.floor(n * (1 - s))
    const falling = (values: number[]) => values.toSorted((a, b) => b - a)
    if (t === 0) {
      const smallest = falling(w.map(Math.abs))[floor - 1]
      return w.map((x) => (Math.abs(x) > smallest ? 1 : 0))
    }
    const permutation = [...numpyPermutation(t, n)]
    const chunks = Math.max(1, Math.min(Math.floor(Math.sqrt(n)), 1000))
    const m = Math.ceil(n / chunks)
    const mask = w.map(() => 0)
    for (let c = 0; c < chunks; c++) {
      const members = permutation.slice(c * m, (c + 1) * m)
      const sofar = mask.reduce((a, b) => a + b, 0)
      const keep = c < chunks - 1 ? Math.ceil(m * (1 - s)) : Math.max(0, floor - sofar)
      const threshold = keep === 0 ? Infinity : falling(members.map((q) => Math.abs(w[q])))[keep - 1]
      for (const q of members) if (Math.abs(w[q]) >= threshold) mask[q] = 1
    }
    return mask
  }

  it('agrees with the description taken word for word, ties included', () => {
    const weights = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer()), { minLength: 2, maxLength: 40 })
    fc.assert(
      fc.property(weights, shares, fc.nat(5), (w, sparsity, t) => {
        if (Math.floor(w.length * (1 - sparsity)) === 0) return
        const draw = randomMagnitudeCandidates([w.slice(0, 1), w.slice(1)], { sparsity, faithful: true })
        expect(flat(draw(t))).toEqual(literal(w, sparsity, t))
      }),
      { numRuns: 500 },
    )
  })

  it('is not moved by the seed', () => {
    const of = (seed: number) => flat(randomMagnitudeCandidates(mlpnet(), { sparsity: 0.9, faithful: true, seed })(1))
    expect(of(1)).toEqual(of(2))
  })
})

describe('exact', () => {
  const tensors = fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 30 }), {
    minLength: 1,
    maxLength: 3,
  })

  it('every candidate keeps exactly n - round(s n)', () => {
    fc.assert(
      fc.property(tensors, shares, fc.nat(), (weights, sparsity, seed) => {
        const draw = randomMagnitudeCandidates(weights, { sparsity, seed })
        for (const t of [0, 1, 2, 3]) expect(count(draw(t))).toBe(keptCount(weights.flat().length, sparsity))
      }),
      { numRuns: 500 },
    )
    for (const sparsity of [0.5, 0.8, 0.9, 0.95, 0.98])
      expect(count(randomMagnitudeCandidates(mlpnet(), { sparsity })(7))).toBe(keptCount(32_360, sparsity))
  })

  it('candidate 0 is global magnitude pruning, ties by tensor and index', () => {
    fc.assert(
      fc.property(tensors, shares, (weights, sparsity) => {
        const expected = weights.map(({ length }) => new Float64Array(length))
        const magnitudes = weights.map((w) => Float64Array.from(w, Math.abs))
        selectTop(magnitudes, keptCount(weights.flat().length, sparsity), expected)
        const masks = randomMagnitudeCandidates(weights, { sparsity })(0)
        expect(masks.map((mask) => [...mask])).toEqual(expected.map((mask) => [...mask]))
      }),
    )
  })

  it('nine weights in three buckets: the largest of each', () => {
    const weights = [[9, -8, 7, -6, 5, -4, 3, -2, 1]]
    const draw = randomMagnitudeCandidates(weights, { sparsity: 2 / 3, seed: 4 })
    const [a, ...rest] = random(4, 'random magnitude', 1).permutation(9)
    const buckets = [[a, ...rest.slice(0, 2)], rest.slice(2, 5), rest.slice(5)]
    const mask = new Array(9).fill(0)
    for (const bucket of buckets) mask[Math.min(...bucket)] = 1
    expect(flat(draw(1))).toEqual(mask)
  })

  it('of a surplus the smallest go', () => {
    // Buckets of 2, 2 and keep 1 each; one weight in all is wanted: the largest one wins whatever its bucket.
    const masks = randomMagnitudeCandidates([[1, 2, -4, 3]], { sparsity: 0.75, seed: 1 })(5)
    expect(flat(masks)).toEqual([0, 0, 1, 0])
  })

  it('candidates differ with the candidate and with the seed, and are reproducible', () => {
    const of = (seed: number, t: number) =>
      flat(randomMagnitudeCandidates(mlpnet(), { sparsity: 0.9, seed })(t)).join('')
    expect(of(0, 1)).toBe(of(0, 1))
    expect(new Set([of(0, 0), of(0, 1), of(0, 2), of(1, 1), of(1, 2)]).size).toBe(5)
  })
})

describe('the winner', () => {
  const weights = [
    [4, 3, 2, 1],
    [5, 6, 7, 8, 9],
  ]

  it('has the lowest loss, the first of several, and every candidate is reported', () => {
    const losses = [3, 2, 1, 4, 1]
    const seen: unknown[] = []
    let calls = 0
    const options = { sparsity: 0.5, candidates: 5, onCandidate: (c: unknown) => seen.push(c) }
    const winner = randomMagnitude(weights, () => losses[calls++], options)
    expect(winner).toEqual({
      candidate: 2,
      kept: 4,
      loss: 1,
      masks: randomMagnitudeCandidates(weights, { sparsity: 0.5 })(2),
    })
    expect(seen).toEqual(losses.map((loss, candidate) => ({ candidate, kept: 4, loss })))
  })

  it('is among 50 unless told otherwise', () => {
    let calls = 0
    randomMagnitude(weights, () => calls++, { sparsity: 0.5 })
    expect(calls).toBe(50)
  })

  it('refuses weights and losses that are not numbers', () => {
    expect(() => randomMagnitude(weights, () => Number.NaN, { sparsity: 0.5 })).toThrow(
      'the loss of candidate 0 is NaN',
    )
    expect(() => randomMagnitude(weights, () => 1, { sparsity: 0.5, candidates: 0 })).toThrow('at least one candidate')
    expect(() => randomMagnitude(weights, () => 1, { sparsity: 1.5 })).toThrow('expected a sparsity from 0 to 1')
    const broken = [
      [1, 2],
      [3, Number.NaN],
    ]
    expect(() => randomMagnitude(broken, () => 1, { sparsity: 0.5 })).toThrow('weight 1 of tensor 1 is NaN')
  })
})
