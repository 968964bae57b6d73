/**
 * @file Elementwise operators with NumPy broadcasting (ONNX Neg, Relu, Add, Sub, Mul) and their gradients.
 */
import { type Builder, check, type Node, type Operator } from '../operator.ts'
import { type Shape, sameShape, type Tensor } from '../tensor.ts'
import { broadcast, undoBroadcast } from './broadcast.ts'

export const Neg: Operator = {
  name: 'Neg',
  infer: ([x]) => [{ shape: x.shape, batched: x.batched }],
  gradient: (graph, _node, [dy]) => [dy && neg(graph, dy)],
  fold: ([x]) => -x,
}

/** y = max(x, 0). The gradient at 0 is 0. */
export const Relu: Operator = {
  name: 'Relu',
  infer: ([x]) => [{ shape: x.shape, batched: x.batched }],
  gradient: (graph, node, [dy]) => [dy && graph.apply(ReluGrad, [dy, node.outputs[0]])[0]],
  fold: ([x]) => Math.max(x, 0),
}

/** |x|. The gradient at 0 is 0. */
export const Abs: Operator = {
  name: 'Abs',
  infer: ([x]) => [{ shape: x.shape, batched: x.batched }],
  decompose: (graph, { inputs: [x] }) => [add(graph, relu(graph, x), relu(graph, neg(graph, x)))],
  fold: ([x]) => Math.abs(x),
}

/** Square root of x > 0. */
export const Sqrt: Operator = {
  name: 'Sqrt',
  infer: ([x]) => [{ shape: x.shape, batched: x.batched }],
  // dx = dy / (2 y)
  gradient: (graph, { outputs: [y] }, [dy]) => [
    dy && mul(graph, mul(graph, dy, reciprocal(graph, y)), graph.constant(0.5)),
  ],
  fold: ([x]) => Math.sqrt(x),
}

/** 1 / x. */
export const Reciprocal: Operator = {
  name: 'Reciprocal',
  infer: ([x]) => [{ shape: x.shape, batched: x.batched }],
  gradient: (graph, { outputs: [y] }, [dy]) => [dy && neg(graph, mul(graph, dy, mul(graph, y, y)))],
  fold: ([x]) => 1 / x,
}

/** 1 / (1 + e^-x). */
export const Sigmoid: Operator = {
  name: 'Sigmoid',
  infer: ([x]) => [{ shape: x.shape, batched: x.batched }],
  // dx = dy y (1 - y)
  gradient: (graph, { outputs: [y] }, [dy]) => [dy && mul(graph, dy, sub(graph, y, mul(graph, y, y)))],
  fold: ([x]) => 1 / (1 + Math.exp(-x)),
}

/** x kept between two scalars: inputs x, low, high (ONNX Clip since opset 11). */
export const Clip: Operator = {
  name: 'Clip',
  infer: ([x, low, high]) => {
    check(low.shape.length === 0 && high.shape.length === 0, 'Clip', () => 'expected scalars as limits')
    return [{ shape: x.shape, batched: x.batched }]
  },
  gradient: (graph, { inputs: [x, low, high] }, [dy]) => [
    dy && graph.apply(ClipGrad, [dy, x, low, high])[0],
    undefined,
    undefined,
  ],
  fold: ([x, low, high]) => Math.min(Math.max(x, low), high),
}

/** dx = dy where low < x < high, else 0. Linear in dy. */
export const ClipGrad: Operator = {
  name: 'ClipGrad',
  infer: ([dy, x]) => {
    const fits = sameShape(dy.shape, x.shape) && dy.batched === x.batched
    check(fits, 'ClipGrad', () => `expected equal shapes and layouts, found ${shapes(dy, x)}`)
    return [{ shape: x.shape, batched: x.batched }]
  },
  gradient: (graph, { inputs: [, x, low, high] }, [ddx]) => [
    ddx && graph.apply(ClipGrad, [ddx, x, low, high])[0],
    undefined,
    undefined,
    undefined,
  ],
}

/** dx = dy where y > 0, else 0; y is the output of Relu, so that its input need not be kept. Linear in dy. */
export const ReluGrad: Operator = {
  name: 'ReluGrad',
  infer: ([dy, y]) => {
    check(sameShape(dy.shape, y.shape), 'ReluGrad', () => `expected equal shapes, found ${shapes(dy, y)}`)
    return [{ shape: y.shape, batched: y.batched }]
  },
  gradient: (graph, node, [ddx]) => [ddx && graph.apply(ReluGrad, [ddx, node.inputs[1]])[0], undefined],
}

export const Add: Operator = {
  name: 'Add',
  infer: (inputs) => [broadcast('Add', inputs)],
  gradient: (graph, { inputs: [a, b] }, [dy]) => [dy && undoBroadcast(graph, dy, a), dy && undoBroadcast(graph, dy, b)],
  fold: ([a, b]) => a + b,
}

export const Sub: Operator = {
  name: 'Sub',
  infer: (inputs) => [broadcast('Sub', inputs)],
  gradient: (graph, { inputs: [a, b] }, [dy]) => [
    dy && undoBroadcast(graph, dy, a),
    dy && undoBroadcast(graph, neg(graph, dy), b),
  ],
  fold: ([a, b]) => a - b,
}

export const Mul: Operator = {
  name: 'Mul',
  infer: (inputs) => [broadcast('Mul', inputs)],
  gradient: (graph, { inputs: [a, b] }: Node, [dy]) => [
    dy && undoBroadcast(graph, mul(graph, dy, b), a),
    dy && undoBroadcast(graph, mul(graph, dy, a), b),
  ],
  fold: ([a, b]) => a * b,
}

export const neg = (graph: Builder, x: Tensor): Tensor => graph.apply(Neg, [x])[0]
export const abs = (graph: Builder, x: Tensor): Tensor => graph.apply(Abs, [x])[0]
export const sqrt = (graph: Builder, x: Tensor): Tensor => graph.apply(Sqrt, [x])[0]
export const reciprocal = (graph: Builder, x: Tensor): Tensor => graph.apply(Reciprocal, [x])[0]
export const sigmoid = (graph: Builder, x: Tensor): Tensor => graph.apply(Sigmoid, [x])[0]
export const clip = (graph: Builder, x: Tensor, low: number, high: number): Tensor =>
  graph.apply(Clip, [x, graph.constant(low), graph.constant(high)])[0]
/** ReLU6 (Howard et al. 2017): x between 0 and 6. */
export const relu6 = (graph: Builder, x: Tensor): Tensor => clip(graph, x, 0, 6)
/** x relu6(x + 3) / 6 (Howard et al. 2019). */
export const hardSwish = (graph: Builder, x: Tensor): Tensor =>
  mul(graph, mul(graph, x, relu6(graph, add(graph, x, graph.constant(3)))), graph.constant(1 / 6))
export const relu = (graph: Builder, x: Tensor): Tensor => graph.apply(Relu, [x])[0]
export const add = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(Add, [a, b])[0]
export const sub = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(Sub, [a, b])[0]
export const mul = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(Mul, [a, b])[0]

const shapes = (a: { shape: Shape }, b: { shape: Shape }) => `[${a.shape.join(', ')}] and [${b.shape.join(', ')}]`
