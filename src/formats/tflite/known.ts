/**
 * @file Numbers that are known before a network runs: its weights, its constants, and what nodes compute of
 * these alone.
 */
import type { Values } from '../../graph/fold-batch-norm.ts'
import type { Graph } from '../../graph/graph.ts'
import { attribute, type Node } from '../../graph/operator.ts'
import { rowMajorStrides, type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts'
import { reordered } from './order.ts'

/** One value for all elements, or all values in row-major order. */
export type Numbers = number | ArrayLike<number>

/** The numbers of all tensors of a graph that do not depend on its inputs. */
export function knownNumbers(graph: Graph, values: Values): Map<Tensor, Numbers> {
  const known = new Map<Tensor, Numbers>()
  for (const tensor of graph.tensors.values()) {
    const found = tensor.role === 'constant' ? tensor.values : values.get(tensor.name)
    if (found !== undefined) known.set(tensor, found)
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => known.get(input))
    if (inputs.length === 0 || !inputs.every((input) => input !== undefined)) continue
    const result = computed(node, inputs)
    if (result !== undefined) known.set(node.outputs[0], result)
  }
  return known
}

/** All values, row-major. */
export const allOf = (numbers: Numbers, shape: Shape): Float32Array =>
  typeof numbers === 'number' ? new Float32Array(sizeOf(shape)).fill(numbers) : Float32Array.from(numbers)

/** The one value that all elements have; undefined where they differ. */
export function oneOf(numbers: Numbers | undefined): number | undefined {
  if (numbers === undefined || typeof numbers === 'number') return numbers
  for (let i = 1; i < numbers.length; i++) if (numbers[i] !== numbers[0]) return undefined
  return numbers[0]
}

/** What a node computes; undefined for operators that only computed values are given to. */
function computed({ operator, inputs, outputs: [out], attributes }: Node, numbers: readonly Numbers[]) {
  const [first] = numbers
  if (operator.name === 'Reshape' || operator.name === 'Flatten') return first
  if (operator.name === 'Transpose') {
    const [{ shape }] = inputs
    return reordered(allOf(first, shape), shape, attribute<Shape>(attributes, 'perm', []))
  }
  if (!operator.fold) return undefined
  const read = inputs.map((input, i) => reader(numbers[i], input.shape, out.shape))
  const result = new Float32Array(sizeOf(out.shape))
  for (let i = 0; i < result.length; i++) result[i] = operator.fold(read.map((at) => at(i)))
  return result
}

/** The value that is broadcast to each place of a result. */
function reader(numbers: Numbers, shape: Shape, to: Shape): (place: number) => number {
  if (typeof numbers === 'number') return () => numbers
  if (sizeOf(shape) === sizeOf(to)) return (place) => numbers[place]
  const [strides, steps] = [rowMajorStrides(to), rowMajorStrides(shape)]
  const extra = to.length - shape.length
  return (place) => {
    let at = 0
    for (const [axis, step] of steps.entries())
      if (shape[axis] > 1) at += step * (Math.floor(place / strides[axis + extra]) % to[axis + extra])
    return numbers[at]
  }
}
