/** @file Operators that put elements of a value into another order, or leave some of them out. */
import { picks, resample } from '../../../graph/operators/resample.ts'
import { pad, reshape, transpose } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import type { Value } from '../value.ts'
import { laid } from './laid.ts'
import { overSamples, rowMajor } from './layouts.ts'
import { part } from './parts.ts'
import { axisOf } from './sizes.ts'

/** The first places of every sequence, as many as its length says, in reverse order. */
const reversed: Translator = (operation, [value, list], scope) => {
  const { graph } = scope
  const before = scope.tensor(value, operation)
  const given = rowMajor(graph, before)
  const lengths = scope.known(list, operation, 'sequence_lens').list()
  const [sequences, times] = [operation.integer('batch_axis', 1), operation.integer('time_axis', 0)]
  const [batch, time] = [sequences, times].map((axis) => axisOf(axis, given.shape.length, operation))
  const [count, size] = [given.shape[batch], given.shape[time]]
  if (batch === time || lengths.length !== count || lengths.some((n) => !(n >= 0 && n <= size)))
    throw new UserError(`${operation.label}: expected ${count} lengths of at most ${size}, found [${lengths}]`)
  const rest = [...given.shape.keys()].filter((axis) => axis !== batch && axis !== time)
  const perm = [batch, time, ...rest]
  const x = transpose(graph, given, perm)
  const places = lengths.flatMap((length, n) =>
    Array.from({ length: size }, (_, t) => n * size + (t < length ? length - 1 - t : t)),
  )
  const rows = reshape(graph, x, [count * size, ...x.shape.slice(2)], false)
  const y = reshape(graph, resample(graph, rows, 0, picks(count * size, places)), x.shape, false)
  const back = transpose(
    graph,
    y,
    perm.map((_, axis) => perm.indexOf(axis)),
  )
  return [before.batched && time !== 0 ? overSamples(graph, back) : back]
}

/** The upper or lower triangle of matrices; the others are 0, whatever they were. */
const triangle: Translator = (operation, [value, diagonal], scope) => {
  const { graph } = scope
  const x = scope.tensor(value, operation)
  if (x.shape.length < 2) throw new UserError(`${operation.label}: expected matrices, found [${x.shape}]`)
  const [k] = diagonal === undefined ? [0] : scope.known(diagonal, operation, 'k').list()
  const upper = operation.integer('upper', 1) !== 0
  const matrix = x.shape.length === 2 ? rowMajor(graph, x) : x
  const [rows, columns] = x.shape.slice(-2)
  const places = Array.from({ length: rows * columns }, (_, i) => {
    const beyond = (i % columns) - Math.floor(i / columns) - k
    return (upper ? beyond >= 0 : beyond <= 0) ? i : -1
  })
  const flat = reshape(graph, matrix, [...x.shape.slice(0, -2), rows * columns], matrix.batched)
  return [
    reshape(graph, resample(graph, flat, x.shape.length - 2, picks(rows * columns, places)), x.shape, matrix.batched),
  ]
}

/** The middle of an axis, or the axis in the middle of zeros. */
const centred: Translator = (operation, [value, list], scope) => {
  const shape = value?.shape ?? []
  const axes = operation.integers('axes')?.map((axis) => axisOf(axis, shape.length, operation)) ?? [...shape.keys()]
  const sizes = scope.known(list, operation, 'shape').list()
  if (sizes.length !== axes.length || sizes.some((n) => !(n >= 1)))
    throw new UserError(`${operation.label}: expected ${axes.length} sizes of at least 1, found [${sizes}]`)
  const { x, perm, back } = laid(value, operation, scope, (axis) => axes.includes(axis))
  const y = axes.reduce((z, axis, i) => {
    const [from, to, at] = [shape[axis], sizes[i], perm[axis]]
    if (to <= from) return part(scope, z, at, Math.floor((from - to) / 2), to)
    const before = Math.floor((to - from) / 2)
    const only = (n: number) => z.shape.map((_, one) => (one === at ? n : 0))
    return pad(scope.graph, z, only(before), only(to - from - before))
  }, x)
  return [back(y)]
}

/** Blocks of channels as blocks of pixels, in the order depth-column-row (DCR) or column-row-depth. */
function blocks(value: Value | undefined, operation: Operation, scope: Scope): [Tensor, number] {
  const x = scope.tensor(value, operation)
  if (x.shape.length !== 4) throw new UserError(`${operation.label}: expected [N, C, H, W], found [${x.shape}]`)
  return [x, operation.integer('blocksize', 0)]
}

export const arrangement: Record<string, Translator> = {
  ReverseSequence: reversed,
  Trilu: triangle,
  CenterCropPad: centred,
  DepthToSpace: (operation, [value], scope) => {
    const { graph } = scope
    const [x, b] = blocks(value, operation, scope)
    const [n, c, h, w] = x.shape
    const mode = operation.text('mode', 'DCR')
    if (mode !== 'DCR' && mode !== 'CRD') throw new Unsupported(`${operation.label}: the mode ${mode} is not known`)
    if (!(b >= 1) || c % (b * b) !== 0)
      throw new UserError(`${operation.label}: ${c} channels are no blocks of ${b} x ${b}`)
    const channels = c / (b * b)
    const apart = reshape(graph, x, mode === 'DCR' ? [n, b, b, channels, h, w] : [n, channels, b, b, h, w])
    const turned = transpose(graph, apart, mode === 'DCR' ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3])
    return [reshape(graph, turned, [n, channels, h * b, w * b])]
  },
  SpaceToDepth: (operation, [value], scope) => {
    const { graph } = scope
    const [x, b] = blocks(value, operation, scope)
    const [n, c, h, w] = x.shape
    if (!(b >= 1) || h % b !== 0 || w % b !== 0)
      throw new UserError(`${operation.label}: [${x.shape}] is not made of blocks of ${b} x ${b}`)
    const apart = reshape(graph, x, [n, c, h / b, b, w / b, b])
    return [reshape(graph, transpose(graph, apart, [0, 3, 5, 1, 2, 4]), [n, c * b * b, h / b, w / b])]
  },
}
