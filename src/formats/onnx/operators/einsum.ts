/**
 * @file Einsum of any number of operands, from left to right: diagonals and sums of one operand first, then
 * products of two. What meets a stored tensor as a matrix product does is a layer with that weight.
 */
import type { Graph } from '../../../graph/graph.ts'
import { batchMatmul } from '../../../graph/operators/batch-product.ts'
import { reduceSum, reshape, slice, transpose } from '../../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import type { Scope, Translator } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import { equationOf, type Labels } from './equation.ts'
import { overSamples, rowMajor } from './layouts.ts'
import { permuted, products } from './products.ts'

interface Labelled<T extends Value = Value> {
  value: T
  labels: Labels
}

export const einsum: Translator = (operation, inputs, scope) => {
  const values = inputs.map((value) => {
    if (!value) throw new UserError(`${operation.label} lacks an input`)
    return value
  })
  const { operands, result } = equationOf(
    operation,
    values.map(({ shape }) => shape.length),
  )
  const all = values.map((value, i) => ({ value, labels: operands[i] }))
  const [first, ...others] = all
  let left: Labelled = first
  others.forEach((right, i) => {
    const later = new Set([...result, ...others.slice(i + 1).flatMap(({ labels }) => labels)])
    left = layer(left, right, later, scope, operation) ?? product(left, right, later, scope, operation)
  })
  const { value, labels } = others.length === 0 ? simple(left, new Set(result), scope, operation) : left
  const made = value instanceof Known ? scope.constant(value) : value
  const y = permuted(
    made,
    result.map((label) => labels.indexOf(label)),
  )
  const samples = all.some((one) => one.value.shape[0] === scope.batch && one.labels[0] === result[0])
  return [samples && y.shape[0] === scope.batch ? overSamples(scope.graph, scope.tensor(y, operation)) : y]
}

/** A row-major operand with each label once, and without those that nothing needs any more. */
function simple(
  { value, labels }: Labelled,
  needed: ReadonlySet<string>,
  scope: Scope,
  operation: Operation,
): Labelled<Tensor> {
  const { graph } = scope
  let x = rowMajor(graph, scope.tensor(value, operation))
  const names = [...labels]
  for (let axis = 0; axis < names.length; axis++)
    for (let other = names.lastIndexOf(names[axis]); other > axis; other = names.lastIndexOf(names[axis])) {
      x = diagonal(graph, x, axis, other, operation)
      names.splice(other, 1)
    }
  const gone = names.flatMap((label, axis) => (needed.has(label) ? [] : [axis]))
  if (gone.length > 0) x = reduceSum(graph, x, gone, 0)
  return { value: x, labels: names.filter((label) => needed.has(label)) }
}

/** The elements whose places along two axes are the same, along the first of them. */
function diagonal(graph: Graph, x: Tensor, axis: number, other: number, { label }: Operation): Tensor {
  const size = x.shape[axis]
  if (x.shape[other] !== size)
    throw new UserError(`${label}: expected two equal axes, found ${size} and ${x.shape[other]}`)
  const rest = x.shape.map((_, i) => i).filter((i) => i !== axis && i !== other)
  const turned = transpose(graph, x, [axis, other, ...rest])
  const sizes = rest.map((i) => x.shape[i])
  const flat = reshape(graph, turned, [size * size, ...sizes], false)
  const none = sizes.map(() => 0)
  const one = slice(graph, flat, [0, ...none], [size, ...sizes], [size + 1, ...none.map(() => 1)])
  const places = [...rest.slice(0, axis).map((_, i) => i + 1), 0, ...rest.slice(axis).map((_, i) => axis + i + 1)]
  return transpose(graph, one, places)
}

const shared = (a: Labels, b: Labels) => a.filter((label) => b.includes(label))

/** A product of two operands as products of matrices, for every place that both have and the result, too. */
function product(
  a: Labelled,
  b: Labelled,
  later: ReadonlySet<string>,
  scope: Scope,
  operation: Operation,
): Labelled<Tensor> {
  const { graph } = scope
  const left = simple(a, new Set([...later, ...b.labels]), scope, operation)
  const right = simple(b, new Set([...later, ...a.labels]), scope, operation)
  const both = shared(left.labels, right.labels)
  const [kept, summed] = [both.filter((label) => later.has(label)), both.filter((label) => !later.has(label))]
  const alone = (one: Labelled) => one.labels.filter((label) => !both.includes(label))
  const [rows, columns] = [alone(left), alone(right)]
  const sizes = ({ value, labels }: Labelled, list: Labels) => list.map((label) => value.shape[labels.indexOf(label)])
  const matrix = (one: Labelled<Tensor>, first: Labels, second: Labels) => {
    const order = [...kept, ...first, ...second].map((label) => one.labels.indexOf(label))
    const shape = [...sizes(one, kept), sizeOf(sizes(one, first)), sizeOf(sizes(one, second))]
    return reshape(graph, transpose(graph, one.value, order), shape, false)
  }
  const y = batchMatmul(graph, matrix(left, rows, summed), matrix(right, summed, columns))
  const shape = [...y.shape.slice(0, -2), ...sizes(left, rows), ...sizes(right, columns)]
  return { value: reshape(graph, y, shape, false), labels: [...kept, ...rows, ...columns] }
}

/**
 * The same where one operand is a stored matrix, of axes that are summed over beside others; else undefined.
 */
function layer(
  a: Labelled,
  b: Labelled,
  later: ReadonlySet<string>,
  scope: Scope,
  operation: Operation,
): Labelled | undefined {
  if (a.value instanceof Known && !(b.value instanceof Known)) return layer(b, a, later, scope, operation)
  const [x, weight] = [a.value, b.value]
  if (!(weight instanceof Known) || x instanceof Known || new Set(a.labels).size < a.labels.length) return undefined
  const summed = shared(b.labels, a.labels)
  const outputs = b.labels.filter((label) => !a.labels.includes(label))
  const rows = a.labels.filter((label) => !summed.includes(label))
  const isMatrix = [
    [...summed, ...outputs],
    [...outputs, ...summed],
  ].map((labels) => String(labels) === String(b.labels))
  const clean = [...rows, ...outputs].every((label) => later.has(label)) && !summed.some((label) => later.has(label))
  const fits = summed.every((label) => x.shape[a.labels.indexOf(label)] === weight.shape[b.labels.indexOf(label)])
  const some = summed.length > 0 && outputs.length > 0 && rows.length > 0
  if (!some || !clean || !fits || !(isMatrix[0] || isMatrix[1])) return undefined
  const { graph } = scope
  const sizes = (labels: Labels) => labels.map((label) => weight.shape[b.labels.indexOf(label)])
  const [depth, width] = [sizeOf(sizes(summed)), sizeOf(sizes(outputs))]
  const matrix = isMatrix[0] ? weight.reshaped([depth, width]) : weight.reshaped([width, depth]).transposed()
  const turned = permuted(
    x,
    [...rows, ...summed].map((label) => a.labels.indexOf(label)),
  )
  const lead = turned.shape.slice(0, rows.length)
  const flat = summed.length === 1 ? turned : reshape(graph, scope.tensor(turned, operation), [...lead, depth])
  const [y] = products.MatMul(operation, [flat, matrix], scope)
  const labels = [...rows, ...outputs]
  if (outputs.length === 1) return { value: y!, labels }
  return { value: reshape(graph, scope.tensor(y, operation), [...lead, ...sizes(outputs)]), labels }
}
