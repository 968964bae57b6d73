/** @file Convolutions and transposed ones, over one axis, two or three. */
import type { Graph } from '../../../graph/graph.ts'
import { conv } from '../../../graph/operators/conv.ts'
import { convTranspose } from '../../../graph/operators/conv-transpose.ts'
import { add } from '../../../graph/operators/elementwise.ts'
import { pad, reshape } from '../../../graph/operators/shape.ts'
import { type Fan, sameShape, sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { Mixed, type Scope, type Translator, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import { biasOf } from './bias.ts'
import { convDepth, convTransposeDepth } from './depth.ts'
import { overSamples, rowMajor } from './layouts.ts'
import {
  autoPadOf,
  checkAxes,
  divided,
  listOf,
  onPlanes,
  planeWindows,
  reachOf,
  type Windows,
  windowsOf,
} from './windows.ts'

/** The weight of a node, and the sizes of its kernel. */
function kernelOf(operation: Operation, weight: Value | undefined) {
  if (weight === undefined) throw new UserError(`${operation.label} lacks an input`)
  const sizes = weight.shape.slice(2)
  const stated = operation.integers('kernel_shape') ?? sizes
  if (!sameShape(stated, sizes))
    throw new UserError(`${operation.label}: its kernel_shape is [${stated}], but its weight is [${weight.shape}]`)
  return { weight, sizes }
}

/**
 * Throws where samples would share a weight that is computed of them: a file for one sample runs one by one.
 */
function checkOne({ label }: Operation, what: string, { batch, mayMix }: Scope): void {
  if (batch === 1) return
  throw new (mayMix ? Unsupported : Mixed)(`${label}: its ${what} is computed, of all samples of a batch together`)
}

/**
 * A weight as a parameter. One of three axes of places has the first of them among its channels, one of one
 * axis has a row.
 */
function weightOf(operation: Operation, weight: Value, fan: Fan, scope: Scope): Tensor {
  const [first, second, ...sizes] = weight.shape
  const [rows, columns] = sizes.length === 1 ? [1, sizes[0]] : sizes.slice(-2)
  const shape = [first, second * sizeOf(sizes.slice(0, -2)), rows, columns]
  if (weight instanceof Known) return scope.parameter(weight.reshaped(shape), fan)
  checkOne(operation, 'weight', scope)
  return reshape(scope.graph, rowMajor(scope.graph, scope.tensor(weight, operation)), shape, false)
}

/** A bias of the layer itself, where it is known; else what is to be added afterwards. */
function biasesOf(operation: Operation, bias: Value | undefined, outputs: number, fan: Fan, scope: Scope) {
  if (bias === undefined || bias instanceof Known) return { own: biasOf(bias, outputs, fan, scope, operation) }
  checkOne(operation, 'bias', scope)
  return { added: rowMajor(scope.graph, scope.tensor(bias, operation)) }
}

/** One number per channel, added to [N, C, ...]. */
const addBias = (graph: Graph, y: Tensor, bias: Tensor | undefined) =>
  bias
    ? add(
        graph,
        y,
        reshape(
          graph,
          bias,
          y.shape.slice(1).map((n, i) => (i === 0 ? n : 1)),
          false,
        ),
      )
    : y

const convolution: Translator = (operation, [x, w, b], scope) => {
  const { weight, sizes } = kernelOf(operation, w)
  const { graph } = scope
  const tensor = overSamples(graph, scope.tensor(x, operation))
  const [outputs, inputs] = weight.shape
  const windows = windowsOf(operation, sizes, tensor.shape.slice(2))
  const group = operation.integer('group', 1)
  const area = sizeOf(sizes)
  const fan = { in: inputs * area, out: (outputs / group) * area }
  const parameter = weightOf(operation, weight, fan, scope)
  const { own, added } = biasesOf(operation, b, outputs, fan, scope)
  if (sizes.length === 3) return [addBias(graph, convDepth(graph, tensor, parameter, own, windows, group), added)]
  const { strides, dilations, pads } = planeWindows(windows)
  const options = { pads, strides, dilations, group }
  return [
    addBias(
      graph,
      onPlanes(graph, tensor, (planes) => conv(graph, planes, parameter, own, options)),
      added,
    ),
  ]
}

/**
 * The windows of a transposed convolution over the places of its result, how many these are, and how many of
 * them lie beyond what any window reaches.
 */
function transposedWindows(operation: Operation, kernel: readonly number[], places: readonly number[]) {
  checkAxes(operation, kernel, places)
  const axes = kernel.length
  const [strides, dilations] = [listOf(operation, 'strides', axes, 1), listOf(operation, 'dilations', axes, 1)]
  const more = listOf(operation, 'output_padding', axes, 0)
  const given = listOf(operation, 'pads', 2 * axes, 0)
  const auto = autoPadOf(operation, given)
  const reach = reachOf({ kernel, dilations })
  const whole = places.map((size, axis) => strides[axis] * (size - 1) + more[axis] + reach[axis])
  const asked =
    operation.integers('output_shape')?.slice(-axes) ??
    (auto.startsWith('SAME') ? places.map((size, axis) => size * strides[axis]) : undefined)
  const padding = asked
    ? divided(
        asked.map((size, axis) => Math.max(0, whole[axis] - size)),
        auto !== 'SAME_UPPER',
      )
    : { begins: given.slice(0, axes), ends: given.slice(axes) }
  const out = asked ?? whole.map((size, axis) => size - padding.begins[axis] - padding.ends[axis])
  if (out.some((n) => !(n >= 1))) throw new UserError(`${operation.label}: its result would have the places [${out}]`)
  // A convolution of the result has its windows where the input is: it leaves less than a stride over, and
  // what no window reaches is not its padding.
  const { begins } = padding
  const made = out.map((size, axis) => Math.min(size, strides[axis] * places[axis] + reach[axis] - 1 - begins[axis]))
  const ends = made.map((size, axis) =>
    Math.max(0, strides[axis] * (places[axis] - 1) + reach[axis] - begins[axis] - size),
  )
  return { windows: { kernel, strides, dilations, begins, ends }, out, made }
}

const transposed: Translator = (operation, [x, w, b], scope) => {
  const { graph } = scope
  const { weight, sizes } = kernelOf(operation, w)
  const tensor = overSamples(graph, scope.tensor(x, operation))
  const [inputs, perGroup] = weight.shape
  const { windows, out, made } = transposedWindows(operation, sizes, tensor.shape.slice(2))
  const group = operation.integer('group', 1)
  if (inputs !== tensor.shape[1])
    throw new UserError(`${operation.label}: its weight [${weight.shape}] does not fit [${tensor.shape}]`)
  const outputs = perGroup * group
  const fan = { in: (inputs / group) * sizeOf(sizes), out: perGroup * sizeOf(sizes) }
  const parameter = weightOf(operation, weight, fan, scope)
  const y =
    sizes.length === 3
      ? convTransposeDepth(graph, tensor, parameter, windows, made, group)
      : onPlanes(graph, tensor, (planes) => planeTransposed(planes, parameter, windows, made, group, scope))
  const missing = [0, 0, ...out.map((size, axis) => size - made[axis])]
  const padded = missing.every((n) => n === 0)
    ? y
    : pad(
        graph,
        y,
        missing.map(() => 0),
        missing,
      )
  if (!(b instanceof Known)) return [addBias(graph, padded, biasesOf(operation, b, outputs, fan, scope).added)]
  const perChannel = padded.shape.slice(1).map((n, i) => (i === 0 ? n : 1))
  const bias = biasOf(b, outputs, fan, scope, operation, perChannel)
  return [bias ? add(graph, padded, bias) : padded]
}

function planeTransposed(
  planes: Tensor,
  weight: Tensor,
  windows: Windows,
  made: readonly number[],
  group: number,
  { graph }: Scope,
): Tensor {
  const { strides, dilations, pads } = planeWindows(windows)
  const [rows, columns] = made.length === 1 ? [1, made[0]] : made
  const shape = [planes.shape[0], weight.shape[1] * group, rows, columns]
  return convTranspose(graph, planes, weight, shape, { strides, dilations, group, pads })
}

export const convolutions: Record<string, Translator> = { Conv: convolution, ConvTranspose: transposed }
