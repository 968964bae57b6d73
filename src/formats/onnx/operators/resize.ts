/** @file Resize and Upsample, of all versions: a sparse matrix along every axis whose size changes. */
import { add } from '../../../graph/operators/elementwise.ts'
import { resample } from '../../../graph/operators/resample.ts'
import type { Shape } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import type { Value } from '../value.ts'
import { filled } from './filled.ts'
import { laid } from './laid.ts'
import { type AxisResize, coordinate, type ResizeMode, resizeTable, rounded } from './resize-table.ts'
import { axisOf } from './sizes.ts'

const MODES: Readonly<Record<string, ResizeMode['mode']>> = {
  nearest: 'nearest',
  linear: 'linear',
  bilinear: 'linear',
  cubic: 'cubic',
}

/**
 * What a node asks for. Before opset 11 there were no choices. Throws Unsupported where it is nothing known.
 */
function modeOf(operation: Operation): ResizeMode {
  const { opset, label } = operation
  const told = operation.text('mode', 'nearest')
  const mode = Object.hasOwn(MODES, told) ? MODES[told] : undefined
  if (!mode) throw new Unsupported(`${label}: expected the mode nearest, linear or cubic, found ${told}`)
  if (opset < 11)
    return { mode, coordinates: 'asymmetric', nearest: 'simple', cubic: -0.75, excludeOutside: false, antialias: false }
  const how: ResizeMode = {
    mode,
    coordinates: operation.text('coordinate_transformation_mode', 'half_pixel'),
    nearest: operation.text('nearest_mode', 'round_prefer_floor'),
    cubic: operation.float('cubic_coeff_a', -0.75),
    excludeOutside: operation.integer('exclude_outside', 0) !== 0,
    antialias: operation.integer('antialias', 0) !== 0,
  }
  if (coordinate(0, { from: 1, to: 1, scale: 1 }, how.coordinates) === undefined)
    throw new Unsupported(`${label}: the coordinate_transformation_mode ${how.coordinates} is not known`)
  if (rounded(0, how.nearest, 1) === undefined)
    throw new Unsupported(`${label}: the nearest_mode ${how.nearest} is not known`)
  return how
}

interface Given {
  scales?: readonly number[]
  sizes?: readonly number[]
  roi?: readonly number[]
}

/** Scales, sizes and the part that is resized, where a node has them. */
function givenTo(operation: Operation, inputs: readonly (Value | undefined)[], scope: Scope): Given {
  const list = (value: Value | undefined, what: string) => {
    const found = value === undefined ? [] : scope.known(value, operation, what).list()
    return found.length > 0 ? found : undefined
  }
  if (operation.op === 'Upsample' && operation.opset < 9) return { scales: operation.floats('scales') }
  if (operation.opset < 11) return { scales: list(inputs[1], 'scales') }
  const crops = operation.text('coordinate_transformation_mode', '') === 'tf_crop_and_resize'
  return {
    roi: crops ? list(inputs[1], 'roi') : undefined,
    scales: list(inputs[2], 'scales'),
    sizes: list(inputs[3], 'sizes'),
  }
}

/** How every axis of a shape is resized. */
function axesOf(operation: Operation, shape: Shape, { scales, sizes, roi }: Given, scope: Scope): AxisResize[] {
  const { label } = operation
  const named = operation.integers('axes')?.map((axis) => axisOf(axis, shape.length, operation)) ?? [...shape.keys()]
  const policy = operation.text('keep_aspect_ratio_policy', 'stretch')
  const given = scales ?? sizes
  if (!given || (scales && sizes))
    throw new UserError(`${label}: expected either scales or sizes, found ${given ? 'both' : 'neither'}`)
  if (given.length !== named.length || given.some((n) => !(n > 0)) || (roi && roi.length !== 2 * named.length))
    throw new UserError(
      `${label}: expected ${named.length} ${scales ? 'scales' : 'sizes'} above 0${roi ? ' and a roi of twice as many' : ''}, found [${given}]`,
    )
  const sized = (axis: number, i: number) =>
    axis === 0 && given[i] === scope.fixedBatch && shape[0] === scope.batch ? shape[0] : given[i]
  const ratios = named.map((axis, i) => (scales ? given[i] : sized(axis, i) / shape[axis]))
  const common =
    !sizes || policy === 'stretch'
      ? undefined
      : policy === 'not_larger'
        ? Math.min(...ratios)
        : policy === 'not_smaller'
          ? Math.max(...ratios)
          : Number.NaN
  if (Number.isNaN(common)) throw new Unsupported(`${label}: the keep_aspect_ratio_policy ${policy} is not known`)
  return shape.map((from, axis) => {
    const i = named.indexOf(axis)
    if (i < 0) return { from, to: from, scale: 1 }
    const crop = roi && ([roi[i], roi[i + named.length]] as const)
    if (common !== undefined) return { from, to: Math.floor(common * from + 0.5), scale: common, crop }
    if (sizes) return { from, to: sized(axis, i), scale: ratios[i], crop }
    return { from, to: Math.floor(Math.fround(Math.fround(given[i]) * from)), scale: given[i], crop }
  })
}

const resize: Translator = (operation, inputs, scope) => {
  const { graph } = scope
  const how = modeOf(operation)
  const fill = operation.float('extrapolation_value', 0)
  const value = inputs[0]
  if (value === undefined) throw new UserError(`${operation.label} lacks an input`)
  const axes = axesOf(operation, value.shape, givenTo(operation, inputs, scope), scope)
  const crops = how.coordinates === 'tf_crop_and_resize'
  const changes = axes.map(({ from, to, scale, crop }) => from !== to || scale !== 1 || (crops && crop !== undefined))
  if (axes.some(({ to }) => to < 1))
    throw new Unsupported(`${operation.label}: a result without elements is not supported`)
  const { x, perm, back } = laid(value, operation, scope, (axis) => changes[axis])
  // What makes an axis smaller comes first.
  const order = [...axes.keys()].filter((axis) => changes[axis]).sort((a, b) => axes[a].scale - axes[b].scale)
  let y = x
  const outside = new Map<number, readonly boolean[]>()
  for (const axis of order) {
    const found = resizeTable(axes[axis], how)
    if (found.outside.includes(true)) outside.set(perm[axis], found.outside)
    y = resample(graph, y, perm[axis], found.table)
  }
  if (outside.size === 0 || fill === 0) return [back(y)]
  const shape = y.shape.map((n, axis) => (outside.has(axis) ? n : 1))
  return [back(add(graph, y, graph.constant(filled(shape, outside, fill), shape)))]
}

export const resizing: Record<string, Translator> = { Resize: resize, Upsample: resize }
