/** @file Operators that take values apart, join them, repeat them, and pad them. */
import { add } from '../../../graph/operators/elementwise.ts'
import { picks, resample } from '../../../graph/operators/resample.ts'
import { concat, expand, pad, slice } from '../../../graph/operators/shape.ts'
import { sameShape, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { Known, Permuted } from '../value.ts'
import { filled } from './filled.ts'
import { byLaid, laid } from './laid.ts'
import { overSamples, rowMajor } from './layouts.ts'
import { perSample } from './samples.ts'
import { axisOf, paddedPlace, padding, sliceSpans, splitLengths } from './sizes.ts'

/** Places of one axis, from one on. */
export function part(scope: Scope, x: Tensor, axis: number, from: number, length: number, step = 1): Tensor {
  if (from === 0 && length === x.shape[axis] && step === 1) return x
  const at = (value: number, others: (n: number) => number) => x.shape.map((n, i) => (i === axis ? value : others(n)))
  return slice(
    scope.graph,
    x,
    at(from, () => 0),
    at(length, (n) => n),
    at(step, () => 1),
  )
}

/** Values joined in the order in which they lie, where all that are computed are to be transposed alike. */
const concatenate: Translator = (operation, inputs, scope) => {
  const { graph } = scope
  const rank = inputs[0]?.shape.length ?? 0
  const axis = axisOf(operation.integer('axis', 1), rank, operation)
  const parts = inputs.filter((value) => !(value instanceof Known && value.size === 0))
  if (parts.some((value) => value === undefined || value.shape.length !== rank))
    throw new UserError(`${operation.label}: expected inputs of ${rank} axes`)
  const computed = parts.filter((value) => !(value instanceof Known))
  const [first] = computed
  const alike =
    first instanceof Permuted &&
    parts.every((value) => value instanceof Permuted && String(value.perm) === String(first.perm))
  const perm = alike ? first.perm : Array.from({ length: rank }, (_, i) => i)
  const along = perm[axis]
  const tensors = parts.map((value) => {
    if (value instanceof Permuted && alike) return value.of
    return along === 0 ? scope.tensor(value, operation) : perSample(value, rank, operation, scope)
  })
  const over = along !== 0 && tensors.some(({ batched }) => batched)
  const laidAlike = tensors.map((x) => (over ? overSamples(graph, x) : rowMajor(graph, x)))
  const y = laidAlike.length === 1 ? laidAlike[0] : concat(graph, laidAlike, along)
  return [alike ? new Permuted(y, perm) : y]
}

const sliced: Translator = (operation, inputs, scope) => {
  const [value] = inputs
  if (value === undefined) throw new UserError(`${operation.label} lacks an input`)
  const spans = sliceSpans(operation, inputs, value.shape, scope)
  if (spans.some(({ length }) => length === 0))
    throw new Unsupported(`${operation.label}: an empty slice is not supported`)
  const changes = spans.map(({ from, length, step }, axis) => from !== 0 || length !== value.shape[axis] || step !== 1)
  const { x, perm, back } = laid(value, operation, scope, (axis) => changes[axis])
  if (!changes.includes(true)) return [value]
  const along = byLaid(perm, spans)
  const forward = along.map((span, axis) => (span.step > 0 ? span : { from: 0, length: x.shape[axis], step: 1 }))
  const lengths = forward.map(({ length }) => length)
  let y = sameShape(lengths, x.shape)
    ? x
    : slice(
        scope.graph,
        x,
        forward.map(({ from }) => from),
        lengths,
        forward.map(({ step }) => step),
      )
  along.forEach(({ from, length, step }, axis) => {
    if (step > 0) return
    const places = Array.from({ length }, (_, i) => from + i * step)
    y = resample(scope.graph, y, axis, picks(x.shape[axis], places))
  })
  return [back(y)]
}

const split: Translator = (operation, [value, list], scope) => {
  if (value === undefined) throw new UserError(`${operation.label} lacks an input`)
  const axis = axisOf(operation.integer('axis', 0), value.shape.length, operation)
  const lengths = splitLengths(operation, list, value.shape[axis], scope)
  const { x, perm, back } = laid(value, operation, scope, (one) => one === axis && lengths.length > 1)
  let from = 0
  return lengths.map((length) => {
    const result = length > 0 ? back(part(scope, x, perm[axis], from, length)) : undefined
    from += length
    return result
  })
}

const padded: Translator = (operation, inputs, scope) => {
  const { graph } = scope
  const [value] = inputs
  if (value === undefined) throw new UserError(`${operation.label} lacks an input`)
  const { before, after, fill, mode } = padding(operation, inputs, value.shape, scope)
  const { x, perm, back } = laid(value, operation, scope, (axis) => before[axis] !== 0 || after[axis] !== 0)
  const [begins, ends] = [byLaid(perm, before), byLaid(perm, after)]
  const changed = [...x.shape.keys()].filter((axis) => begins[axis] !== 0 || ends[axis] !== 0)
  const places = new Map(
    changed.map((axis) => {
      const size = x.shape[axis]
      const count = size + begins[axis] + ends[axis]
      if (count < 1) throw new Unsupported(`${operation.label}: a result without elements is not supported`)
      return [axis, Array.from({ length: count }, (_, i) => paddedPlace(i - begins[axis], size, mode))]
    }),
  )
  if (changed.length === 0) return [value]
  const simple = mode === 'constant' && begins.every((n) => n >= 0) && ends.every((n) => n >= 0)
  const y = simple
    ? pad(graph, x, begins, ends)
    : changed.reduce((z, axis) => resample(graph, z, axis, picks(x.shape[axis], places.get(axis)!)), x)
  if (mode !== 'constant' || fill === 0) return [back(y)]
  const outside = new Map([...places].map(([axis, list]) => [axis, list.map((place) => place < 0)]))
  const shape = y.shape.map((n, axis) => (outside.has(axis) ? n : 1))
  return [back(add(graph, y, graph.constant(filled(shape, outside, fill), shape)))]
}

const tiled: Translator = (operation, [value, repeats], scope) => {
  const times = scope.known(repeats, operation, 'repeats').list()
  const rank = value?.shape.length ?? 0
  if (times.length !== rank || times.some((n) => !(n >= 1)))
    throw new UserError(`${operation.label}: expected ${rank} numbers of repeats of at least 1, found [${times}]`)
  const { x, perm, back } = laid(value, operation, scope, (axis) => times[axis] !== 1)
  const by = byLaid(perm, times)
  // Single places are repeated as they are.
  const spread = expand(
    scope.graph,
    x,
    x.shape.map((n, axis) => (n === 1 ? by[axis] : n)),
    x.batched,
  )
  const y = by.reduce((z, count, axis) => {
    const size = x.shape[axis]
    if (count === 1 || size === 1) return z
    const places = Array.from({ length: size * count }, (_, i) => i % size)
    return resample(scope.graph, z, axis, picks(size, places))
  }, spread)
  return [back(y)]
}

export const parts: Record<string, Translator> = {
  Concat: concatenate,
  Slice: sliced,
  Split: split,
  Pad: padded,
  Tile: tiled,
}
