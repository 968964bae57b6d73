/**
 * @file Matrix products. Those with a stored matrix are layers: their weights become [outputs, inputs], as
 * the methods expect them.
 */
import { batchMatmul } from '../../../graph/operators/batch-product.ts'
import { conv } from '../../../graph/operators/conv.ts'
import { add, mul } from '../../../graph/operators/elementwise.ts'
import { gemm } from '../../../graph/operators/linear.ts'
import { reshape, transpose } from '../../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { Known, Permuted, type Value } from '../value.ts'
import { biasOf } from './bias.ts'
import { rowMajor } from './layouts.ts'

/** x [rows, inputs] times a stored matrix [outputs, inputs]. */
function layer(x: Tensor, matrix: Known, b: Value | undefined, scope: Scope, operation: Operation): Tensor {
  const fan = { in: matrix.shape[1], out: matrix.shape[0] }
  const weight = scope.parameter(matrix, fan)
  const bias = biasOf(b, matrix.shape[0], fan, scope, operation)
  return gemm(scope.graph, x, weight, { transB: 1, bias })
}

/**
 * The same for several places of each sample, x [N, ..., inputs]: a 1x1 convolution, whose channels are the
 * last axis. The result is yet to be transposed back, so that between two such layers nothing is.
 */
function pointwise(
  x: Tensor | Permuted,
  matrix: Known,
  b: Value | undefined,
  scope: Scope,
  operation: Operation,
): Value {
  const { graph } = scope
  const [outputs, inputs] = matrix.shape
  const rank = x.shape.length
  const places = x.shape.slice(1, -1)
  const channelsFirst = [0, rank - 1, ...places.map((_, i) => i + 1)]
  const maps = scope.tensor(permuted(x, channelsFirst), operation)
  const fan = { in: inputs, out: outputs }
  const weight = scope.parameter(matrix.reshaped([outputs, inputs, 1, 1]), fan)
  const planes = reshape(graph, maps, [x.shape[0], inputs, 1, sizeOf(places)])
  const y = conv(graph, planes, weight, biasOf(b, outputs, fan, scope, operation))
  return new Permuted(reshape(graph, y, [x.shape[0], outputs, ...places]), [0, ...places.map((_, i) => i + 2), 1])
}

/** A value with its axes reordered, which is done when it must be. */
export function permuted(x: Tensor | Permuted, perm: readonly number[]): Value {
  const [of, whole] = x instanceof Permuted ? [x.of, perm.map((axis) => x.perm[axis])] : [x, perm]
  return whole.every((axis, i) => axis === i) ? of : new Permuted(of, whole)
}

/** The stored matrix of a layer is one with two axes; others are operands like what is computed. */
const isMatrix = (value: Value | undefined): value is Known => value instanceof Known && value.shape.length === 2

function computed(value: Value | undefined, operation: Operation): Tensor | Permuted {
  if (value === undefined) throw new UserError(`${operation.label} lacks an input`)
  if (value instanceof Known) throw new Unsupported(`${operation.label}: expected its first factor to be computed`)
  return value
}

/** A vector is a row on the left and a column on the right, whose axis the result has not. */
function anyProduct(a: Tensor, b: Tensor, { graph }: Scope): Tensor {
  const left = a.shape.length === 1 ? reshape(graph, rowMajor(graph, a), [1, ...a.shape], false) : a
  const right = b.shape.length === 1 ? reshape(graph, rowMajor(graph, b), [...b.shape, 1], false) : b
  const y = batchMatmul(graph, left, right)
  const shape = [
    ...y.shape.slice(0, -2),
    ...(left === a ? y.shape.slice(-2, -1) : []),
    ...(right === b ? y.shape.slice(-1) : []),
  ]
  return reshape(graph, y, shape, false)
}

/** As many samples as there were lie innermost again. */
const likeSamples = (y: Tensor, a: Value, { graph, batch }: Scope): Tensor =>
  a.shape[0] === batch && y.shape[0] === batch && y.shape.length > 1 ? reshape(graph, y, y.shape, true) : y

export const products: Record<string, Translator> = {
  Gemm: (operation, [a, b, c], scope) => {
    const { graph } = scope
    const [alpha, beta] = [operation.float('alpha', 1), operation.float('beta', 1)]
    const [transA, transB] = [operation.integer('transA', 0), operation.integer('transB', 0)]
    const factor = (value: number) => graph.constant(value)
    const scaled = (x: Tensor, by: number) => (by === 1 ? x : mul(graph, x, factor(by)))
    if (!isMatrix(b) || (c !== undefined && !isBias(c))) {
      const y = scaled(
        batchMatmul(graph, scope.tensor(a, operation), scope.tensor(b, operation), { transA, transB }),
        alpha,
      )
      return [c === undefined ? y : add(graph, y, scaled(scope.tensor(c, operation), beta))]
    }
    const given = scope.tensor(computed(a, operation), operation)
    const x = transA ? transpose(graph, rowMajor(graph, given), [1, 0]) : given
    const weight = transB ? b : b.transposed()
    if (alpha === 1 && beta === 1) return [layer(x, weight, c, scope, operation)]
    const product = scaled(layer(x, weight, undefined, scope, operation), alpha)
    const bias = biasOf(c, weight.shape[0], { in: weight.shape[1], out: weight.shape[0] }, scope, operation)
    return [bias ? add(graph, product, scaled(bias, beta)) : product]
  },
  MatMul: (operation, [a, b, bias], scope) => {
    const { graph } = scope
    if (isMatrix(b) && !(a instanceof Known)) {
      const x = computed(a, operation)
      const weight = b.transposed()
      if (x.shape.length === 2) return [layer(scope.tensor(x, operation), weight, bias, scope, operation)]
      if (x.shape.length > 2 && x.shape[0] === scope.batch && isOverSamples(x))
        return [pointwise(x, weight, bias, scope, operation)]
      const rows = rowMajor(graph, scope.tensor(x, operation))
      const y = layer(
        reshape(graph, rows, [sizeOf(rows.shape) / b.shape[0], b.shape[0]], false),
        weight,
        bias,
        scope,
        operation,
      )
      return [reshape(graph, y, [...rows.shape.slice(0, -1), b.shape[1]], false)]
    }
    const operand = (value: Value | undefined) =>
      value instanceof Known ? scope.parameter(value, fanOf(value.shape)) : scope.tensor(value, operation)
    const y = anyProduct(operand(a), operand(b), scope)
    const whole = likeSamples(y, a instanceof Known ? b! : a!, scope)
    return [bias === undefined ? whole : add(graph, whole, scope.tensor(bias, operation))]
  },
}

const isBias = (value: Value) => value instanceof Known && value.size === (value.shape.at(-1) ?? 1)

const isOverSamples = (x: Tensor | Permuted) => (x instanceof Permuted ? x.of.batched && x.perm[0] === 0 : x.batched)

const fanOf = (shape: readonly number[]) => ({ in: shape.at(-2) ?? 1, out: shape.at(-1) ?? 1 })
