import { expect, it } from 'vitest'
import { storeFloats } from '../../src/formats/safetensors.ts'
import { summarize, totalsOf } from '../../src/formats/summary.ts'

const summaryOf = (values: number[], shape: number[]) =>
  summarize({ tensors: new Map([['w', storeFloats(Float32Array.from(values), shape)]]), metadata: {} })[0]

it('counts, mean and standard deviation of all values', () => {
  expect(summaryOf([0, 2, -4, 0, 0, 2], [2, 3])).toMatchObject({
    name: 'w',
    dtype: 'F32',
    shape: [2, 3],
    size: 6,
    nonzeros: 3,
    sparsity: 0.5,
    nonFinite: 0,
    mean: 0,
    std: 2,
  })
})

it('-0 is a zero', () => {
  expect(summaryOf([-0, 1], [2]).nonzeros).toBe(1)
})

it('a scalar', () => {
  expect(summaryOf([-3], [])).toMatchObject({ size: 1, nonzeros: 1, sparsity: 0, mean: -3, std: 0 })
})

it('an empty tensor has no mean', () => {
  const summary = summaryOf([], [0, 4])
  expect(summary).toMatchObject({ size: 0, nonzeros: 0, sparsity: 0, mean: Number.NaN, std: Number.NaN })
  expect(summary.histogram).toEqual({ limit: 0, bins: new Array(15).fill(0) })
})

it('values that are not finite are counted, and left out of mean and histogram', () => {
  const summary = summaryOf([Number.NaN, Infinity, -Infinity, 1, 3], [5])
  expect(summary).toMatchObject({ nonFinite: 3, nonzeros: 5, mean: 2, std: 1 })
  expect(summary.histogram.limit).toBe(3)
  expect(summary.histogram.bins.reduce((a, b) => a + b)).toBe(2)
})

it('the histogram has 15 equal bins from -limit to limit and leaves zeros out', () => {
  // Bins of width 2: [-15, -13), ... [-1, 1), ... [13, 15].
  const { limit, bins } = summaryOf([-15, -13.5, -13, 0, 0, 0.5, 12.9, 15], [8]).histogram
  expect(limit).toBe(15)
  expect(bins).toEqual([2, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1])
})

it('signs are counted; NaN has none', () => {
  expect(summaryOf([0, 2, -4, -0, Number.NaN, 1, -1, 5], [8])).toMatchObject({ positive: 3, negative: 2, nonzeros: 6 })
})

it('totals by kind: what a name and a shape say of a tensor; kernels and matrices together', () => {
  const tensor = (nonzeros: number, shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1)
    return storeFloats(new Float32Array(size).fill(-1, 0, nonzeros), shape)
  }
  const tensors = new Map([
    ['conv.weight', tensor(5, [2, 3, 2, 2])],
    ['bn.weight', tensor(2, [2])],
    ['bn.bias', tensor(0, [2])],
    ['bn.running_mean', tensor(2, [2])],
    ['bn.running_var', tensor(1, [2])],
    ['fc.weight', tensor(3, [2, 4])],
    ['fc.bias', tensor(1, [2])],
    ['fc.weight.momentum', tensor(8, [2, 4])],
    ['fc.weight.mask', tensor(3, [2, 4])],
    ['step', tensor(1, [])],
  ])
  const totals = totalsOf(summarize({ tensors, metadata: {} }))
  expect(totals.map(({ what, tensors: n, size, nonzeros }) => [what, n, size, nonzeros])).toEqual([
    ['convolution kernels', 1, 24, 5],
    ['scales', 1, 2, 2],
    ['shifts', 1, 2, 0],
    ['running means', 1, 2, 2],
    ['running variances', 1, 2, 1],
    ['matrices', 1, 8, 3],
    ['biases', 1, 2, 1],
    ['momentum', 1, 8, 8],
    ['masks', 1, 8, 3],
    ['others', 1, 1, 1],
    ['kernels and matrices', 2, 32, 8],
  ])
})
