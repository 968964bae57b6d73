/** @file Known numbers under another shape, order or number: nothing is computed, only copied. */
import { rowMajorStrides, sizeOf } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import {
  axisOf,
  flattened,
  numbers,
  padding,
  reshaped,
  sliceSpans,
  splitLengths,
  unsqueezed,
} from '../operators/sizes.ts'
import { Unsupported } from '../scope.ts'
import { inOrder, repeated } from '../strided.ts'

import { computed, copy, type Fold, moved, needed } from './fold.ts'

export const moveFolds: Record<string, Fold> = {
  Identity: (operation, [x]) => [needed(x, operation)],
  Reshape: (operation, [x, target], scope) => {
    const known = needed(x, operation)
    return [known.reshaped(reshaped(known.shape, numbers(operation, target, 'shape', scope) ?? [], operation))]
  },
  Flatten: (operation, [x]) => {
    const known = needed(x, operation)
    return [known.reshaped(flattened(known.shape, operation))]
  },
  Squeeze: (operation, [x, list], scope) => {
    const known = needed(x, operation)
    const axes = numbers(operation, list, 'axes', scope)?.map((axis) => axisOf(axis, known.shape.length, operation))
    if (axes?.some((axis) => known.shape[axis] !== 1))
      throw new UserError(`${operation.label}: expected axes of size 1, found axes [${axes}] of [${known.shape}]`)
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
    if (perm.length !== rank || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i))
      throw new UserError(`${operation.label}: expected an order of ${rank} axes, found [${perm}]`)
    if (perm.every((axis, i) => axis === i)) return [known]
    if (rank === 2) return [known.transposed()]
    const strides = rowMajorStrides(known.shape)
    const shape = perm.map((axis) => known.shape[axis])
    return [moved(known, shape, { strides: perm.map((axis) => strides[axis]) }, operation)]
  },
  Concat: (operation, inputs) => {
    const parts = inputs.map((known) => needed(known, operation))
    const [{ shape: first, type }] = parts
    const axis = axisOf(operation.integer('axis', 0), first.length, operation)
    if (
      parts.some(
        (part) =>
          part.type !== type ||
          part.shape.some((n, i) => i !== axis && n !== first[i]) ||
          part.shape.length !== first.length,
      )
    )
      throw new UserError(
        `${operation.label}: cannot join ${parts.map((part) => `${part.type} [${part.shape}]`).join(' and ')} along axis ${axis}`,
      )
    const shape = first.map((n, i) => (i === axis ? parts.reduce((sum, part) => sum + part.shape[axis], 0) : n))
    const { strides } = inOrder(shape)
    return [
      computed(shape, type, operation, (out) => {
        let offset = 0
        for (const part of parts) {
          copy(out, { strides, offset }, part, inOrder(part.shape), part.shape)
          offset += part.shape[axis] * strides[axis]
        }
      }),
    ]
  },
  Slice: (operation, inputs, scope) => {
    const known = needed(inputs[0], operation)
    const spans = sliceSpans(operation, inputs, known.shape, scope)
    const strides = rowMajorStrides(known.shape)
    const walk = {
      strides: spans.map(({ step }, axis) => step * strides[axis]),
      offset: spans.reduce((sum, { from }, axis) => sum + from * strides[axis], 0),
    }
    const shape = spans.map(({ length }) => length)
    return [moved(known, shape, walk, operation)]
  },
  Split: (operation, [x, list], scope) => {
    const known = needed(x, operation)
    const axis = axisOf(operation.integer('axis', 0), known.shape.length, operation)
    const { strides } = inOrder(known.shape)
    let from = 0
    return splitLengths(operation, list, known.shape[axis], scope).map((length) => {
      const shape = known.shape.map((n, i) => (i === axis ? length : n))
      const result = moved(known, shape, { strides, offset: from * strides[axis] }, operation)
      from += length
      return result
    })
  },
  Gather: (operation, [x, index]) => {
    const [known, places] = [needed(x, operation), needed(index, operation)]
    const axis = axisOf(operation.integer('axis', 0), known.shape.length, operation)
    const size = known.shape[axis]
    const [before, after] = [known.shape.slice(0, axis), known.shape.slice(axis + 1)]
    const [outer, inner] = [sizeOf(before), sizeOf(after)]
    const at = places.list().map((place) => axisOf(place, size, operation))
    const { values, type } = known
    return [
      computed([...before, ...places.shape, ...after], type, operation, (out) => {
        let to = 0
        for (let o = 0; o < outer; o++)
          for (const place of at) {
            const from = (o * size + place) * inner
            for (let i = 0; i < inner; i++) out[to++] = values[from + i]
          }
      }),
    ]
  },
  Expand: (operation, [x, target], scope) => {
    const known = needed(x, operation)
    const asked = scope.known(target, operation, 'shape').list()
    const rank = Math.max(asked.length, known.shape.length)
    const shape = Array.from({ length: rank }, (_, i) => {
      const [have, want] = [known.shape, asked].map((sizes) => sizes[sizes.length - rank + i] ?? 1)
      if (have !== want && have !== 1 && want !== 1)
        throw new UserError(`${operation.label}: cannot expand [${known.shape}] to [${asked}]`)
      return have === 1 ? want : have
    })
    return [moved(known, shape, repeated(known.shape, shape), operation)]
  },
  Tile: (operation, [x, repeats]) => {
    const [known, times] = [needed(x, operation), needed(repeats, operation).list()]
    if (times.length !== known.shape.length || times.some((n) => !(n >= 0)))
      throw new UserError(`${operation.label}: expected ${known.shape.length} numbers of repeats, found [${times}]`)
    const strides = rowMajorStrides(known.shape)
    const shape = known.shape.flatMap((n, i) => [times[i], n])
    const all = moved(known, shape, { strides: strides.flatMap((stride) => [0, stride]) }, operation)
    return [all.reshaped(known.shape.map((n, i) => n * times[i]))]
  },
  Pad: (operation, inputs, scope) => {
    const known = needed(inputs[0], operation)
    const { before, after, fill, mode } = padding(operation, inputs, known.shape, scope)
    if (mode !== 'constant' || [...before, ...after].some((n) => n < 0)) return undefined
    const shape = known.shape.map((n, i) => n + before[i] + after[i])
    const { strides } = inOrder(shape)
    const offset = before.reduce((sum, n, i) => sum + n * strides[i], 0)
    return [
      computed(shape, known.type, operation, (out) => {
        copy(out.fill(fill), { strides, offset }, known, inOrder(known.shape), known.shape)
      }),
    ]
  },
  Range: (operation, [from, to, by]) => {
    const parts = [from, to, by].map((known) => needed(known, operation))
    const [start, end, step] = parts.map(({ values }) => values[0])
    const count = Math.max(0, Math.ceil((end - start) / step))
    if (!Number.isSafeInteger(count))
      throw new UserError(`${operation.label}: found a range from ${start} to ${end} by ${step}`)
    return [
      computed([count], parts[0].type, operation, (out) => {
        for (let i = 0; i < count; i++) out[i] = start + i * step
      }),
    ]
  },
  /** At inference. What makes it random, a known `training_mode` that is true, is refused. */
  Dropout: (operation, [x, , training]) => {
    operation.ignore('ratio', 'seed')
    if (training && training.values[0] !== 0)
      throw new Unsupported(`${operation.label}: its training_mode is true, so what it gives is random`)
    return [needed(x, operation)]
  },
}
