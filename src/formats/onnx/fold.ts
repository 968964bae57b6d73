/**
 * @file What is computed before a network runs: shapes and their arithmetic, weights under another shape or order. Writers leave whole chains of such nodes
 * (Shape, Gather, Concat) where a size is not fixed.
 */
import { sizeOf } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import type { Operation } from './operation.ts'
import { axisOf, numbers, reshaped, sliceSpans, unsqueezed } from './operators/shape.ts'
import type { Scope } from './scope.ts'
import { Known, type Value } from './value.ts'

type Fold = (operation: Operation, inputs: readonly (Known | undefined)[], scope: Scope) => Known[]

/** The most numbers that are computed on: shapes are small, and weights are not meant. */
const MOST = 1 << 20

/** NumPy broadcasting of a function of two numbers. */
const binary =
  (apply: (a: number, b: number, whole: boolean) => number): Fold =>
  (operation, [a, b]) => {
    const [x, y] = [needed(a, operation), needed(b, operation)]
    const rank = Math.max(x.shape.length, y.shape.length)
    const size = (known: Known, i: number) => known.shape[known.shape.length - rank + i] ?? 1
    const shape = Array.from({ length: rank }, (_, i) => Math.max(size(x, i), size(y, i)))
    if (shape.some((n, i) => [x, y].some((known) => size(known, i) !== n && size(known, i) !== 1)))
      throw new UserError(`${operation.label}: shapes [${x.shape}] and [${y.shape}] cannot be broadcast together`)
    const whole = x.whole && y.whole
    const at = (known: Known, index: readonly number[]) =>
      known.values[index.reduce((place, i, axis) => place * size(known, axis) + (size(known, axis) === 1 ? 0 : i), 0)]
    const count = bounded(sizeOf(shape), operation)
    const values = Array.from({ length: count }, (_, i) => {
      const index = unravel(i, shape)
      return apply(at(x, index), at(y, index), whole)
    })
    return [new Known(shape, () => values, { whole })]
  }

const unary =
  (apply: (x: number) => number): Fold =>
  (operation, [x]) => {
    const known = needed(x, operation)
    const values = Array.from({ length: bounded(known.size, operation) }, (_, i) => apply(known.values[i]))
    return [new Known(known.shape, () => values, known.whole ? { whole: true } : {})]
  }

/** The elements of a tensor at the places that `from` names for each place of the result. */
function gathered(
  x: Known,
  shape: readonly number[],
  operation: Operation,
  from: (index: number[]) => readonly number[],
): Known {
  const values = Array.from({ length: bounded(sizeOf(shape), operation) }, (_, i) => {
    const place = from(unravel(i, shape)).reduce((at, index, axis) => at * x.shape[axis] + index, 0)
    return x.values[place]
  })
  return new Known(shape, () => values, { whole: x.whole })
}

const folds: Record<string, Fold> = {
  Identity: (operation, [x]) => [needed(x, operation)],
  // What is whole is told by the type: 1, 10, 11 and 16 are floats.
  Cast: (operation, [x]) => {
    const known = needed(x, operation)
    const whole = ![1, 10, 11, 16].includes(operation.integer('to', 1))
    return [
      whole === known.whole || !whole
        ? new Known(known.shape, () => known.values, { whole, source: known.source, read: known.read })
        : new Known(known.shape, () => known.list().map(Math.trunc), { whole }),
    ]
  },
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b, whole) => (whole ? Math.trunc(a / b) : a / b)),
  Mod: binary((a, b) => ((a % b) + b) % b),
  Max: binary((a, b) => Math.max(a, b)),
  Min: binary((a, b) => Math.min(a, b)),
  Equal: binary((a, b) => Number(a === b)),
  Greater: binary((a, b) => Number(a > b)),
  Less: binary((a, b) => Number(a < b)),
  Neg: unary((x) => -x),
  Sqrt: unary(Math.sqrt),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Reciprocal: unary((x) => 1 / x),
  Not: unary((x) => Number(x === 0)),
  Where: (operation, [condition, a, b], scope) => {
    const [mask, x, y] = [condition, a, b].map((known) => needed(known, operation))
    const times = (left: Known, right: Known) => folds.Mul(operation, [left, right], scope)[0]
    const not = folds.Not(operation, [mask], scope)[0]
    return folds.Add(operation, [times(mask, x), times(not, y)], scope)
  },
  Reshape: (operation, [x, target], scope) => {
    const known = needed(x, operation)
    return [known.reshaped(reshaped(known.shape, numbers(operation, target, 'shape', scope) ?? [], operation))]
  },
  Flatten: (operation, [x]) => {
    const known = needed(x, operation)
    const axis = operation.integer('axis', 1)
    return [known.reshaped([sizeOf(known.shape.slice(0, axis)), sizeOf(known.shape.slice(axis))])]
  },
  Squeeze: (operation, [x, list], scope) => {
    const known = needed(x, operation)
    const axes = numbers(operation, list, 'axes', scope)?.map((axis) => axisOf(axis, known.shape.length, operation))
    return [known.reshaped(known.shape.filter((n, i) => (axes ? !axes.includes(i) : n !== 1)))]
  },
  Unsqueeze: (operation, [x, list], scope) => {
    const known = needed(x, operation)
    return [known.reshaped(unsqueezed(known.shape, numbers(operation, list, 'axes', scope) ?? [], operation))]
  },
  Transpose: (operation, [x]) => {
    const known = needed(x, operation)
    const rank = known.shape.length
    const perm = operation.integers('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
    if (perm.every((axis, i) => axis === i)) return [known]
    if (rank === 2) return [known.transposed()]
    const shape = perm.map((axis) => known.shape[axis])
    return [gathered(known, shape, operation, (index) => perm.map((_, axis) => index[perm.indexOf(axis)]))]
  },
  Concat: (operation, inputs) => {
    const parts = inputs.map((known) => needed(known, operation))
    const axis = axisOf(operation.integer('axis', 0), parts[0].shape.length || 1, operation)
    const length = parts.reduce((sum, { shape }) => sum + shape[axis], 0)
    const shape = parts[0].shape.map((n, i) => (i === axis ? length : n))
    const rows = sizeOf(parts[0].shape.slice(0, axis))
    bounded(sizeOf(shape), operation)
    const values = Array.from({ length: rows }, (_, row) =>
      parts.flatMap((known) => known.list().slice((row * known.size) / rows, ((row + 1) * known.size) / rows)),
    ).flat()
    return [new Known(shape, () => values, { whole: parts.every(({ whole }) => whole) })]
  },
  Slice: (operation, inputs, scope) => {
    const known = needed(inputs[0], operation)
    const spans = sliceSpans(operation, inputs, known.shape, scope)
    const shape = spans.map(({ length }) => length)
    return [
      gathered(known, shape, operation, (index) => index.map((i, axis) => spans[axis].from + i * spans[axis].step)),
    ]
  },
  Gather: (operation, [x, index]) => {
    const [known, places] = [needed(x, operation), needed(index, operation)]
    const axis = axisOf(operation.integer('axis', 0), known.shape.length, operation)
    const shape = [...known.shape.slice(0, axis), ...places.shape, ...known.shape.slice(axis + 1)]
    const inner = places.shape.length
    return [
      gathered(known, shape, operation, (at) => {
        const place = at.slice(axis, axis + inner).reduce((sum, i, k) => sum * places.shape[k] + i, 0)
        return [
          ...at.slice(0, axis),
          axisOf(places.values[place], known.shape[axis], operation),
          ...at.slice(axis + inner),
        ]
      }),
    ]
  },
  Range: (operation, [from, to, by]) => {
    const [start, end, step] = [from, to, by].map((known) => needed(known, operation).list()[0])
    const count = bounded(Math.max(0, Math.ceil((end - start) / step)), operation)
    return [Known.integers(Array.from({ length: count }, (_, i) => start + i * step))]
  },
  ReduceProd: (operation, [x]) => {
    const known = needed(x, operation)
    const product = known.list().reduce((a, b) => a * b, 1)
    return [new Known(operation.integer('keepdims', 1) ? known.shape.map(() => 1) : [], () => [product], known)]
  },
}

/** The outputs of a node that can be computed at once; undefined where it has to run. */
export function fold(operation: Operation, inputs: readonly (Value | undefined)[], scope: Scope): Known[] | undefined {
  if (operation.op === 'Shape') return [shapeOf(operation, inputs[0])]
  if (operation.op === 'Size') return [Known.integers([sizeOf(inputs[0]!.shape)], [])]
  const known = inputs.filter((value) => value instanceof Known || value === undefined)
  if (known.length < inputs.length || inputs.length === 0 || !Object.hasOwn(folds, operation.op)) return undefined
  return folds[operation.op](operation, known, scope)
}

function shapeOf(operation: Operation, value: Value | undefined): Known {
  if (value === undefined) throw new UserError(`${operation.label} lacks an input`)
  const { shape } = value
  const [start, end] = [operation.integer('start', 0), operation.integer('end', shape.length)]
  return Known.integers(shape.slice(start, end))
}

function needed(known: Known | undefined, operation: Operation): Known {
  if (!known) throw new UserError(`${operation.label} lacks an input`)
  return known
}

function bounded(count: number, operation: Operation): number {
  if (count <= MOST) return count
  throw new UserError(`${operation.label}: it computes ${count} numbers from constants, expected at most ${MOST}`)
}

/** The index per axis of a row-major place. */
function unravel(place: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length)
  for (let axis = shape.length - 1, left = place; axis >= 0; axis--) {
    index[axis] = left % shape[axis]
    left = Math.floor(left / shape[axis])
  }
  return index
}
