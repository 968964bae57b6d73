/**
 * @file Macro precision, recall and F1 and top-5 against confusion matrices and logits worked out by hand.
 */
import { expect, it } from 'vitest'
import { ClassCounts } from '../../src/train/class-counts.ts'

/** Counts samples as a confusion matrix says: a row per label, a column per prediction. */
function countsOf(matrix: readonly (readonly number[])[]): ClassCounts {
  const counts = new ClassCounts(matrix.length)
  matrix.forEach((row, label) => {
    row.forEach((samples, prediction) => {
      for (let i = 0; i < samples; i++) counts.add(label, prediction)
    })
  })
  return counts
}

it('means over classes of three classes of different sizes', () => {
  // Precisions 5/6, 3/7, 8/11; recalls 5/8, 3/5, 8/11; F1 10/14, 6/12, 16/22.
  const { precision, recall, f1 } = countsOf([
    [5, 2, 1],
    [0, 3, 2],
    [1, 2, 8],
  ]).macro()
  expect(precision).toBeCloseTo((5 / 6 + 3 / 7 + 8 / 11) / 3, 12)
  expect(recall).toBeCloseTo((5 / 8 + 3 / 5 + 8 / 11) / 3, 12)
  expect(f1).toBeCloseTo((10 / 14 + 6 / 12 + 16 / 22) / 3, 12)
  // Not the harmonic mean of the two means.
  expect(f1).not.toBeCloseTo((2 * precision * recall) / (precision + recall), 3)
})

it('a class that is never predicted has precision 0, one without samples recall 0, one of neither does not count', () => {
  // Class 1 is never predicted, class 2 has no samples, class 3 does not occur: three classes count.
  const { precision, recall, f1 } = countsOf([
    [3, 0, 1, 0],
    [2, 0, 0, 0],
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ]).macro()
  expect(precision).toBeCloseTo((3 / 5 + 0 + 0) / 3, 12)
  expect(recall).toBeCloseTo((3 / 4 + 0 + 0) / 3, 12)
  expect(f1).toBeCloseTo((6 / 9 + 0 + 0) / 3, 12)
})

it('a class whose samples are all wrong has F1 0 where both it and others are predicted', () => {
  const { precision, recall, f1 } = countsOf([
    [0, 4],
    [3, 1],
  ]).macro()
  expect([precision, recall]).toEqual([1 / 5 / 2, 1 / 4 / 2])
  expect(f1).toBeCloseTo(2 / 9 / 2, 12)
})

/** Logits of samples, each a list by class, as they lie in memory. */
const batch = (samples: readonly (readonly number[])[]): number[] =>
  samples[0].flatMap((_, c) => samples.map((logits) => logits[c]))

it('counts the logits of a batch, the first among equals', () => {
  const counts = new ClassCounts(3)
  counts.addBatch(
    batch([
      [1, 2, 2],
      [0, 0, 0],
      [-1, -3, 5],
    ]),
    [1, 1, 2],
  )
  // Predictions 1, 0, 2: precisions 0/1, 1/1, 1/1, recalls none, 1/2, 1/1.
  expect(counts.macro().precision).toBeCloseTo(2 / 3, 12)
  expect(counts.macro().recall).toBeCloseTo((0 + 1 / 2 + 1) / 3, 12)
  expect(counts.top5()).toBeUndefined()
})

it('one score predicts the second class above zero', () => {
  const counts = new ClassCounts(2)
  counts.addBatch([0.5, 0, -1, 2], [1, 1, 0, 0])
  // Predictions 1, 0, 0, 1.
  expect(counts.macro()).toEqual({ precision: 0.5, recall: 0.5, f1: 0.5 })
})

it('the label is among the five largest logits or not, the first among equals', () => {
  const falling = [9, 8, 7, 6, 5, 4, 3]
  const equal = [1, 1, 1, 1, 1, 1, 1]
  const inTop = (logits: number[], label: number) => {
    const counts = new ClassCounts(7)
    counts.addBatch(logits, [label])
    return counts.top5()
  }
  expect([0, 4, 5, 6].map((label) => inTop(falling, label))).toEqual([1, 1, 0, 0])
  expect([0, 4, 5, 6].map((label) => inTop(equal, label))).toEqual([1, 1, 0, 0])
  const counts = new ClassCounts(7)
  counts.addBatch(batch([falling, falling, equal]), [4, 6, 0])
  expect(counts.top5()).toBeCloseTo(2 / 3, 12)
})
