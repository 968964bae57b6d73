/**
 * @file Operators that move, repeat or sum elements (ONNX Reshape, Flatten, Transpose, Expand, ReduceSum).
 */
import { type Attributes, attribute, type Builder, check, type Operator } from '../operator.ts'
import { type Shape, sameShape, sizeOf, type Tensor, type TensorType } from '../tensor.ts'

/** Attributes: `shape` (sizes; static), `batched` (whether axis 0 of the result runs over samples). */
export const Reshape: Operator = {
  name: 'Reshape',
  infer: ([x], attributes) => {
    const shape = attribute<Shape>(attributes, 'shape', [])
    check(sizeOf(shape) === sizeOf(x.shape), 'Reshape', () => `cannot give [${x.shape}] the shape [${shape}]`)
    return [{ shape, batched: attribute(attributes, 'batched', x.batched && shape[0] === x.shape[0]) }]
  },
  gradient: (graph, { inputs: [x] }, [dy]) => [dy && reshape(graph, dy, x.shape, x.batched)],
  fold: ([x]) => x,
}

/** [N, ...] to [N, product of the rest] (`axis` 1, the only one supported). */
export const Flatten: Operator = {
  name: 'Flatten',
  infer: ([x], attributes) => {
    check(attribute<number>(attributes, 'axis', 1) === 1, 'Flatten', () => `expected axis 1, found ${attributes.axis}`)
    check(x.shape.length >= 1, 'Flatten', () => 'expected at least one axis, found a scalar')
    return [{ shape: [x.shape[0], sizeOf(x.shape.slice(1))], batched: x.batched }]
  },
  gradient: (graph, { inputs: [x] }, [dy]) => [dy && reshape(graph, dy, x.shape, x.batched)],
}

/** Repeats along new or size-1 axes. Attributes: `shape`, `batched`. */
export const Expand: Operator = {
  name: 'Expand',
  infer: ([x], attributes) => {
    const shape = attribute<Shape>(attributes, 'shape', [])
    const extra = shape.length - x.shape.length
    const fits = extra >= 0 && x.shape.every((n, i) => n === 1 || n === shape[i + extra])
    check(fits, 'Expand', () => `cannot expand [${x.shape}] to [${shape}]`)
    return [{ shape, batched: attribute(attributes, 'batched', x.batched && extra === 0) }]
  },
  gradient: (graph, { inputs: [x] }, [dy]) => {
    if (!dy) return [undefined]
    const extra = dy.shape.length - x.shape.length
    const axes = dy.shape.map((_, i) => i).filter((i) => i < extra || x.shape[i - extra] !== dy.shape[i])
    return [reshape(graph, axes.length ? reduceSum(graph, dy, axes) : dy, x.shape, x.batched)]
  },
  fold: ([x]) => x,
}

/** Attributes: `axes` (required, 0 or more), `keepdims` (1 keeps them with size 1; default 1 as in ONNX). */
export const ReduceSum: Operator = {
  name: 'ReduceSum',
  infer: ([x], attributes) => [reduced('ReduceSum', x, attributes)],
  gradient: (graph, { inputs: [x], attributes }, [dy]) => [dy && spread(graph, dy, x, attributes)],
}

/**
 * Elements starts, starts + steps, ... of every axis: a crop, or every second row and column. Attributes
 * `starts` (0 or more), `steps` (1 or more), `shape` of the result, one number per axis each. Samples are all
 * kept.
 */
export const Slice: Operator = {
  name: 'Slice',
  infer: ([x], attributes) => {
    checkGrid('Slice', x.shape, attributes)
    return [{ shape: attribute<Shape>(attributes, 'shape', []), batched: x.batched }]
  },
  gradient: (graph, { inputs: [x], attributes }, [dy]) => [
    dy && graph.apply(Place, [dy], { ...attributes, shape: x.shape })[0],
  ],
}

/**
 * The transpose of Slice: zeros of `shape` with x at starts, starts + steps, ... (ONNX Pad with zeros has
 * steps of 1).
 */
export const Place: Operator = {
  name: 'Place',
  infer: ([x], attributes) => {
    const shape = attribute<Shape>(attributes, 'shape', [])
    checkGrid('Place', shape, { ...attributes, shape: x.shape })
    return [{ shape, batched: x.batched }]
  },
  gradient: (graph, { inputs: [x], attributes }, [dy]) => [
    dy && graph.apply(Slice, [dy], { ...attributes, shape: x.shape })[0],
  ],
}

/** Joins tensors along `axis` (not that of the samples); all other sizes are equal. */
export const Concat: Operator = {
  name: 'Concat',
  infer: (inputs, attributes) => {
    const axis = attribute<number>(attributes, 'axis', 1)
    const [first] = inputs
    const others = (x: Tensor) => x.shape.filter((_, i) => i !== axis)
    const fits = inputs.every((x) => x.batched === first.batched && sameShape(others(x), others(first)))
    check(axis in first.shape && !(first.batched && axis === 0) && fits, 'Concat', () => {
      return `cannot join [${inputs.map(({ shape }) => shape.join(', ')).join('], [')}] along axis ${axis}`
    })
    const size = inputs.reduce((sum, x) => sum + x.shape[axis], 0)
    return [{ shape: first.shape.map((n, i) => (i === axis ? size : n)), batched: first.batched }]
  },
  gradient: (graph, { inputs, attributes }, [dy]) => {
    const axis = attribute<number>(attributes, 'axis', 1)
    let start = 0
    return inputs.map((x) => {
      const starts = x.shape.map((_, i) => (i === axis ? start : 0))
      start += x.shape[axis]
      return dy && slice(graph, dy, starts, x.shape)
    })
  },
}

/** Axis i of the result is axis perm[i] of x. Samples stay where they are. */
export const Transpose: Operator = {
  name: 'Transpose',
  infer: ([x], attributes) => {
    const perm = attribute<Shape>(attributes, 'perm', [])
    const axes = [...perm].sort((a, b) => a - b)
    check(axes.length === x.shape.length && axes.every((axis, i) => axis === i), 'Transpose', () => {
      return `expected an order of ${x.shape.length} axes, found [${perm}]`
    })
    check(!x.batched || perm[0] === 0, 'Transpose', () => `the order [${perm}] moves the samples`)
    return [{ shape: perm.map((axis) => x.shape[axis]), batched: x.batched }]
  },
  gradient: (graph, { attributes }, [dy]) => {
    const perm = attribute<Shape>(attributes, 'perm', [])
    return [
      dy &&
        transpose(
          graph,
          dy,
          perm.map((_, axis) => perm.indexOf(axis)),
        ),
    ]
  },
}

/** Axes reordered; a new shape is enough where only axes of size 1 move. */
export function transpose(graph: Builder, x: Tensor, perm: readonly number[]): Tensor {
  const long = perm.filter((axis) => x.shape[axis] > 1)
  const still = long.every((axis, i) => i === 0 || axis > long[i - 1])
  const shape = perm.map((axis) => x.shape[axis])
  return still && perm[0] === 0 ? reshape(graph, x, shape, x.batched) : graph.apply(Transpose, [x], { perm })[0]
}

export const concat = (graph: Builder, tensors: readonly Tensor[], axis = 1): Tensor =>
  graph.apply(Concat, tensors, { axis })[0]

/** Elements starts, starts + steps, ... of every axis, as many as `shape` says. */
export const slice = (
  graph: Builder,
  x: Tensor,
  starts: readonly number[],
  shape: Shape,
  steps: readonly number[] = shape.map(() => 1),
): Tensor => graph.apply(Slice, [x], { starts, steps, shape })[0]

/** Zeros around x: `before` and `after` give their number per axis. */
export const pad = (graph: Builder, x: Tensor, before: readonly number[], after: readonly number[]): Tensor =>
  graph.apply(Place, [x], {
    starts: before,
    steps: x.shape.map(() => 1),
    shape: x.shape.map((n, i) => n + before[i] + after[i]),
  })[0]

export const flatten = (graph: Builder, x: Tensor): Tensor => graph.apply(Flatten, [x])[0]

/** The tensor itself where nothing would change. */
export function reshape(
  graph: Builder,
  x: Tensor,
  shape: Shape,
  batched = x.batched && shape[0] === x.shape[0],
): Tensor {
  if (sameShape(x.shape, shape) && x.batched === batched) return x
  return graph.apply(Reshape, [x], { shape, batched })[0]
}

/** The tensor itself where nothing would change. */
export function expand(graph: Builder, x: Tensor, shape: Shape, batched: boolean): Tensor {
  if (sameShape(x.shape, shape) && x.batched === batched) return x
  return graph.apply(Expand, [x], { shape, batched })[0]
}

export const reduceSum = (graph: Builder, x: Tensor, axes: readonly number[], keepdims = 1): Tensor =>
  graph.apply(ReduceSum, [x], { axes, keepdims })[0]

/** The type of x summed over `axes`. */
export function reduced(operator: string, x: Tensor, attributes: Attributes): TensorType {
  const axes = attribute<Shape>(attributes, 'axes', [])
  const keep = attribute<number>(attributes, 'keepdims', 1) !== 0
  const valid = axes.length > 0 && axes.every((a) => Number.isInteger(a) && a >= 0 && a < x.shape.length)
  check(valid, operator, () => `expected axes between 0 and ${x.shape.length - 1}, found [${axes}]`)
  const shape = keep ? x.shape.map((n, i) => (axes.includes(i) ? 1 : n)) : x.shape.filter((_, i) => !axes.includes(i))
  return { shape, batched: x.batched && !axes.includes(0) }
}

/** The gradient of a sum: the gradient of the result, repeated over the summed axes. */
export function spread(graph: Builder, dy: Tensor, x: Tensor, attributes: Attributes): Tensor {
  const axes = attribute<Shape>(attributes, 'axes', [])
  const kept = x.shape.map((n, i) => (axes.includes(i) ? 1 : n))
  const batched = x.batched && !axes.includes(0)
  return expand(graph, reshape(graph, dy, kept, batched), x.shape, x.batched)
}

/** Whether a grid of `shape` points from `starts` by `steps` lies inside `outer`. */
function checkGrid(operator: string, outer: Shape, attributes: Attributes): void {
  const [starts, steps, shape] = ['starts', 'steps', 'shape'].map((name) => attribute<Shape>(attributes, name, []))
  const fits = [starts, steps, shape].every(({ length }) => length === outer.length)
  const inside = outer.every((n, i) => starts[i] >= 0 && steps[i] >= 1 && starts[i] + (shape[i] - 1) * steps[i] < n)
  check(fits && inside, operator, () => {
    return `starts [${starts}], steps [${steps}] and shape [${shape}] do not fit into [${outer}]`
  })
}
