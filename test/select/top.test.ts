import fc from 'fast-check'
import { expect, it } from 'vitest'
import { selectTop } from '../../src/select/top.ts'

/** Brute force: an entry is kept where fewer than `keep` entries go before it. */
function select(scores: readonly (readonly number[])[], keep: number): number[][] {
  const flat = scores.flat()
  let at = 0
  return scores.map((tensor) =>
    tensor.map((score) => {
      const i = at++
      return flat.filter((other, j) => other > score || (other === score && j < i)).length < keep ? 1 : 0
    }),
  )
}

const score = fc.oneof(fc.constantFrom(-1, -0, 0, 1), fc.float({ noNaN: true }))
const tensors = fc.array(fc.array(score, { maxLength: 12 }), { minLength: 1, maxLength: 4 })

it('agrees with counting what goes before, ties and infinities included', () => {
  fc.assert(
    fc.property(tensors, fc.nat({ max: 50 }), (scores, wanted) => {
      const keep = Math.min(wanted, scores.flat().length)
      const masks = scores.map(({ length }) => new Float32Array(length).fill(Number.NaN))
      selectTop(
        scores.map((values) => Float32Array.from(values)),
        keep,
        masks,
      )
      expect(masks.map((mask) => [...mask])).toEqual(select(scores, keep))
    }),
    { numRuns: 500 },
  )
})

it('ties go to the earlier tensor, then to the lower index', () => {
  const masks = [new Float64Array(2), new Float64Array(3)]
  selectTop([Float64Array.of(1, 2), Float64Array.of(2, 1, 2)], 3, masks)
  expect(masks.map((mask) => [...mask])).toEqual([
    [0, 1],
    [1, 0, 1],
  ])
  selectTop([Float64Array.of(1, 1), Float64Array.of(1, 1, 1)], 3, masks)
  expect(masks.map((mask) => [...mask])).toEqual([
    [1, 1],
    [1, 0, 0],
  ])
})
