/** @file What has to hold when a record is done again: everything on the same instructions, else counts. */
import { expect, it } from 'vitest'
import { type Again, compared } from '../../src/ledger/compare.ts'
import { recordWith } from './records.ts'

const record = recordWith()
const { layers, result, dense, final, gradients, images } = record
const same: Again = { layers, result, dense, final, gradients, images, instructions: 'native avx2' }
const other: Again = { ...same, instructions: 'native avx512', result: 'c'.repeat(64), gradients: 1 }
const right = (correct: number) => ({ ...final, correct })

/** What does not hold. */
const wrong = (again: Again, tolerance = 0.5) =>
  compared(record, again, tolerance).flatMap(({ what, holds }) => (holds ? [] : [what]))

it('the same is the same, and says what was compared', () => {
  expect(compared(record, same, 0).map(({ what }) => what)).toEqual(['counts', 'accuracy', 'weights', 'cost'])
  expect(wrong(same)).toEqual([])
})

it.each<[string, Partial<Again>, string[]]>([
  ['one image more', { final: right(9260) }, ['accuracy']],
  ['one image more before pruning', { dense: { ...dense, correct: 9398 } }, ['accuracy']],
  ['other bits', { result: 'c'.repeat(64) }, ['weights']],
  ['more gradients', { gradients: 340_001 }, ['cost']],
  ['fewer images', { images: 0 }, ['cost']],
  ['a weight elsewhere', { layers: [{ ...layers[0], kept: 366 }, { ...layers[1], kept: 181 }, layers[2]] }, ['counts']],
  ['a layer less', { layers: layers.slice(1) }, ['counts']],
  ['a layer more', { layers: [...layers, { name: 'fc4.weight', size: 5, kept: 5 }] }, ['counts']],
])('same instructions: %s does not hold', (_, changes, expected) => {
  expect(wrong({ ...same, ...changes })).toEqual(expected)
})

it('other instructions: accuracies up to the tolerance, counts as they are, bits and cost as they come', () => {
  expect(wrong(other)).toEqual([])
  expect(wrong({ ...other, final: right(9309) })).toEqual([])
  expect(wrong({ ...other, final: right(9310) })).toEqual(['accuracy'])
  expect(wrong({ ...other, final: right(9208) })).toEqual(['accuracy'])
  expect(wrong({ ...other, final: right(9208) }, 1)).toEqual([])
  expect(wrong({ ...other, layers: layers.slice(1) })).toEqual(['counts'])
  // A checkpoint is not pruned yet: only last bits may differ.
  expect(wrong({ ...other, dense: { ...dense, correct: 9391 } })).toEqual(['accuracy'])
})

it('a file that is given has to hold the tensors of the record on any instructions', () => {
  const given: Again = { layers, result, final, instructions: 'native avx512', given: true }
  expect(wrong(given)).toEqual([])
  expect(wrong({ ...given, result: 'c'.repeat(64) })).toEqual(['weights'])
  expect(wrong({ ...given, final: right(9264) })).toEqual([])
  expect(wrong({ ...given, final: right(9265) })).toEqual(['accuracy'])
  const { final: _, ...unmeasured } = given
  expect(compared(record, unmeasured, 0.5).map(({ what }) => what)).toEqual(['counts', 'weights'])
})
