import fc from 'fast-check'
import { expect, it } from 'vitest'
import { selectTopCall } from '../../../src/engine/kernels/select.ts'
import { selectTop } from '../../../src/select/top.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, exact, expectAgreement } from '../../support/kernel-case.ts'

/** Scores with ties everywhere, scores that differ in their last bits only, and any finite float. */
const score = fc.constantFrom('ties', 'close', 'any').chain((kind) => {
  if (kind === 'ties') return fc.constantFrom(-2, -1, -0, 0, 1e-45, 1)
  if (kind === 'close') return fc.integer({ min: 0, max: 50 }).map((i) => Math.fround(1 + i * 2 ** -23))
  return fc.float({ noNaN: true, noDefaultInfinity: true })
})
const segments = fc.array(fc.array(score, { minLength: 1, maxLength: 70 }), { minLength: 1, maxLength: 4 })
const selection = segments.chain((scores) => {
  const total = scores.flat().length
  return fc.record({
    scores: fc.constant(scores),
    keep: fc.oneof(fc.constantFrom(0, total), fc.integer({ min: 0, max: total })),
  })
})

function select(scores: readonly (readonly number[])[], keep: number) {
  const operands = scores.flatMap((values, t) => [
    [`scores ${t}`, values],
    [`mask ${t}`, blank(values.length)],
  ])
  return {
    operands: Object.fromEntries(operands),
    call: (at: Record<string, number>) =>
      selectTopCall(
        keep,
        scores.map((values, t) => ({ scores: at[`scores ${t}`], n: values.length, mask: at[`mask ${t}`] })),
      ),
    writes: Object.fromEntries(scores.map((_, t) => [`mask ${t}`, exact])),
  }
}

// What the kernel is compared with.
it('the meaning: exactly `keep` scores, none of them below one that is left; ties by position', () => {
  fc.assert(
    fc.property(selection, ({ scores, keep }) => {
      const masks = scores.map(({ length }) => new Float64Array(length))
      selectTop(
        scores.map((values) => Float64Array.from(values)),
        keep,
        masks,
      )
      const flat = scores.flat()
      const mask = masks.flatMap((values) => [...values])
      const order = flat.map((_, i) => i).sort((i, j) => flat[j] - flat[i] || i - j)
      expect(mask).toEqual(flat.map((_, i) => (order.indexOf(i) < keep ? 1 : 0)))
    }),
    draws(),
  )
})

onAllEngines((machines) => {
  it('selects the top scores over several tensors', () => {
    fc.assert(
      fc.property(selection, ({ scores, keep }) => expectAgreement(machines, select(scores, keep))),
      {
        numRuns: 200,
      },
    )
  })

  it('selects among many scores', () => {
    const scores = [7, 11, 13].map((factor) =>
      Array.from({ length: 9001 }, (_, i) => Math.fround(Math.sin(i * factor))),
    )
    for (const keep of [1, 1234, 27002]) expectAgreement(machines, select(scores, keep))
  })

  it('keeps the first of equal scores, whatever threads they are shared among', () => {
    // Two values only: at any count the threshold has thousands of equals, and the shares of threads end
    // inside of tensors.
    const scores = [5003, 1, 2, 9001].map((n, t) => Array.from({ length: n }, (_, i) => ((i * (t + 3)) % 7) >> 2))
    const ones = scores.flat().filter((score) => score === 1).length
    for (const keep of [1, 2000, ones - 1, ones, ones + 1, 9000, scores.flat().length - 1])
      expectAgreement(machines, select(scores, keep))
  })

  it('writes a mask over its own scores', () => {
    expectAgreement(machines, {
      operands: { scores: [3, -1, 2, 2, -0, 0, 2] },
      call: (at) => selectTopCall(3, [{ scores: at.scores, n: 7, mask: at.scores }]),
      writes: { scores: exact },
    })
  })
})
