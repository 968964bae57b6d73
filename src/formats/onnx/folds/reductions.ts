/** @file Sums, products and the like of known numbers over axes. */
import { sizeOf } from '../../../graph/tensor.ts'
import { reducedAxes } from '../operators/sizes.ts'
import { Unsupported } from '../scope.ts'
import { eachRun, inOrder } from '../strided.ts'
import { computed, type Fold, needed } from './fold.ts'

interface Reduction {
  from: number
  combine: (sum: number, x: number) => number
  finish?: (sum: number, count: number) => number
  /** Whether an element alone gives something else than itself. */
  changes?: boolean
}

const reduction =
  ({ from, combine, finish, changes }: Reduction): Fold =>
  (operation, [x, list], scope) => {
    const known = needed(x, operation)
    const keep = operation.integer('keepdims', 1) !== 0
    const axes = reducedAxes(operation, list, known.shape.length, scope)
    if (!axes && changes) throw new Unsupported(`${operation.label}: noop_with_empty_axes is not supported`)
    if (!axes) return [known]
    const gone = (axis: number) => axes.has(axis)
    const kept = known.shape.map((n, axis) => (gone(axis) ? 1 : n))
    const places = inOrder(kept).strides.map((stride, axis) => (gone(axis) ? 0 : stride))
    const sums = new Float64Array(sizeOf(kept)).fill(from)
    eachRun(known.shape, [{ strides: places }, inOrder(known.shape)], (length, [at, place], [step, stride]) => {
      for (let i = 0; i < length; i++)
        sums[at + i * step] = combine(sums[at + i * step], known.values[place + i * stride])
    })
    const count = known.size / sums.length
    const shape = keep ? kept : kept.filter((_, axis) => !gone(axis))
    return [
      computed(shape, known.type, operation, (out) => out.set(finish ? sums.map((sum) => finish(sum, count)) : sums)),
    ]
  }

const add = (sum: number, x: number) => sum + x

export const reductionFolds: Record<string, Fold> = {
  ReduceSum: reduction({ from: 0, combine: add }),
  ReduceMean: reduction({ from: 0, combine: add, finish: (sum, count) => sum / count }),
  ReduceProd: reduction({ from: 1, combine: (product, x) => product * x }),
  ReduceMax: reduction({ from: -Infinity, combine: Math.max }),
  ReduceMin: reduction({ from: Infinity, combine: Math.min }),
  ReduceL1: reduction({ from: 0, combine: (sum, x) => sum + Math.abs(x), changes: true }),
  ReduceL2: reduction({ from: 0, combine: (sum, x) => sum + x * x, finish: Math.sqrt, changes: true }),
  ReduceSumSquare: reduction({ from: 0, combine: (sum, x) => sum + x * x, changes: true }),
}
