/**
 * @file Values moved to and from places that a network computes (ONNX Gather, GatherElements,
 * ScatterElements, TopK).
 */
import { attribute, type Builder, check, type Operator } from '../operator.ts'
import { describe, sameShape, type Tensor } from '../tensor.ts'
import { axisIn, resized } from './resample.ts'

/**
 * Checks an index for what lies like `updates` along the axis of something: one for all rows, [k], or of the
 * shape of the updates.
 */
function checkIndex(operator: string, index: Tensor, updates: Pick<Tensor, 'shape' | 'batched'>, axis: number): void {
  const shared = index.shape.length === 1 && !index.batched && index.shape[0] === updates.shape[axis]
  const each = sameShape(index.shape, updates.shape) && index.batched === updates.batched
  check(shared || each, operator, () => {
    return `expected an index of [${updates.shape[axis]}] or [${updates.shape}], found ${describe(index)}`
  })
}

/**
 * Inputs x, index; attribute `axis` (not that of the samples). With an index [k], places of all rows: ONNX
 * Gather of one list. With one of more axes, all of x's size but this one: ONNX GatherElements. An index
 * counts from the end where it is negative; what names no place reads 0.
 */
export const Gather: Operator = {
  name: 'Gather',
  infer: ([x, index], attributes) => {
    const axis = axisIn('Gather', x, attributes)
    const size = index.shape.length === 1 ? index.shape[0] : index.shape[axis]
    const shape = resized(x.shape, axis, size)
    checkIndex('Gather', index, { shape, batched: x.batched }, axis)
    return [{ shape, batched: x.batched }]
  },
  gradient: (graph, { inputs: [x, index], attributes }, [dy]) => {
    const axis = attribute<number>(attributes, 'axis', 0)
    return [dy && scatter(graph, index, dy, axis, { size: x.shape[axis], reduction: 'add' }), undefined]
  },
}

export const gather = (graph: Builder, x: Tensor, index: Tensor, axis: number): Tensor =>
  graph.apply(Gather, [x, index], { axis })[0]

export const REDUCTIONS = ['set', 'add', 'mul', 'max', 'min'] as const
export type Reduction = (typeof REDUCTIONS)[number]

/**
 * The reverse of Gather (ONNX ScatterElements; with an index [k], ScatterND of one axis). Inputs index,
 * updates and what they are put into (absent: zeros of `size` places). Attributes `axis`, `size`,
 * `reduction`: `set` (the last of several stays), `add`, `mul`, `max`, `min`. Gradients are defined for
 * `add`, and for `set` where no place is named twice.
 */
export const Scatter: Operator = {
  name: 'Scatter',
  infer: ([index, updates, x], attributes) => {
    const axis = axisIn('Scatter', updates, attributes)
    const size = attribute<number>(attributes, 'size', 1)
    const reduction = attribute<string>(attributes, 'reduction', 'set')
    const shape = resized(updates.shape, axis, size)
    checkIndex('Scatter', index, updates, axis)
    check(
      REDUCTIONS.some((name) => name === reduction),
      'Scatter',
      () => {
        return `expected one of the reductions ${REDUCTIONS.join(', ')}, found ${reduction}`
      },
    )
    check(!x || (sameShape(x.shape, shape) && x.batched === updates.batched), 'Scatter', () => {
      return `expected [${shape}] to put ${describe(updates)} into, found ${describe(x!)}`
    })
    return [{ shape, batched: updates.batched }]
  },
  gradient: (graph, { inputs: [index, updates, x], attributes }, [dy]) => {
    const axis = attribute<number>(attributes, 'axis', 0)
    const reduction = attribute<string>(attributes, 'reduction', 'set')
    check(
      reduction === 'set' || reduction === 'add',
      'Scatter',
      () => `the reduction ${reduction} has no gradient here`,
    )
    if (!dy) return [undefined, undefined, undefined]
    const nothing = () => graph.constant(0, updates.shape, updates.batched)
    const kept = reduction === 'add' ? dy : scatter(graph, index, nothing(), axis, { size: dy.shape[axis], into: dy })
    return [undefined, gather(graph, dy, index, axis), x && kept]
  },
}

export interface ScatterOptions {
  /** Places along the axis of the result. */
  size: number
  /** Default: the last of several stays. */
  reduction?: Reduction
  /** Default: zeros. */
  into?: Tensor
}

export const scatter = (
  graph: Builder,
  index: Tensor,
  updates: Tensor,
  axis: number,
  { size, reduction = 'set', into }: ScatterOptions,
): Tensor => graph.apply(Scatter, into ? [index, updates, into] : [index, updates], { axis, size, reduction })[0]

/**
 * [the k largest values along an axis in order, their places]; attributes `axis` (not that of the samples),
 * `k`, `largest` (0: the smallest). Of equals the one at the lower place comes first, NaN before all.
 */
export const TopK: Operator = {
  name: 'TopK',
  infer: ([x], attributes) => {
    const axis = axisIn('TopK', x, attributes)
    const k = attribute<number>(attributes, 'k', 1)
    const valid = Number.isInteger(k) && k >= 1 && k <= x.shape[axis]
    check(valid, 'TopK', () => `expected a k of 1 to ${x.shape[axis]}, found ${k}`)
    const type = { shape: resized(x.shape, axis, k), batched: x.batched }
    return [type, type]
  },
  gradient: (graph, { inputs: [x], outputs: [, index], attributes }, [dy]) => {
    const axis = attribute<number>(attributes, 'axis', 0)
    return [dy && scatter(graph, index, dy, axis, { size: x.shape[axis], reduction: 'add' })]
  },
}

export const topK = (graph: Builder, x: Tensor, axis: number, k: number, largest = true): Tensor[] =>
  graph.apply(TopK, [x], { axis, k, largest: Number(largest) })
