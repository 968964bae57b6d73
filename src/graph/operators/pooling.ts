/**
 * @file Pooling over two spatial axes (ONNX MaxPool, AveragePool, GlobalAveragePool) and its gradients.
 */
import { type Attributes, attribute, type Builder, check, type Operator } from '../operator.ts'
import { describe, type Shape, type Tensor } from '../tensor.ts'
import { reduceMean } from './mean.ts'

export interface PoolOptions {
  /** [rows, columns]. */
  kernel: readonly [number, number]
  /** Default: the kernel. */
  strides?: readonly [number, number]
  /** [top, left, bottom, right]; less than the kernel. Default none. */
  pads?: readonly [number, number, number, number]
  /** AveragePool only: whether padding counts as zeros. Default false, as in ONNX. */
  includePad?: boolean
}

/** Attributes as ONNX names them. */
const attributesOf = ({
  kernel,
  strides = kernel,
  pads = [0, 0, 0, 0],
  includePad = false,
}: PoolOptions): Attributes => ({
  kernel_shape: kernel,
  strides,
  pads,
  count_include_pad: includePad ? 1 : 0,
})

/**
 * [largest values, their places]: a place is row * width + column in the input's plane, the first among
 * equals.
 */
export const MaxPool: Operator = {
  name: 'MaxPool',
  infer: ([x], attributes) => {
    const type = { shape: pooledShape('MaxPool', x, attributes), batched: x.batched }
    return [type, type]
  },
  gradient: (graph, { inputs: [x], outputs: [, index] }, [dy]) => [
    dy && graph.apply(ScatterPlane, [dy, index], { shape: x.shape })[0],
  ],
}

/**
 * Inputs dy, index [N, C, H', W']; attribute `shape` [N, C, H, W]. Adds every dy to the place that index
 * names.
 */
export const ScatterPlane: Operator = {
  name: 'ScatterPlane',
  infer: ([dy], attributes) => [{ shape: attribute<Shape>(attributes, 'shape', []), batched: dy.batched }],
  gradient: (graph, { inputs: [, index] }, [ddx]) => [ddx && graph.apply(GatherPlane, [ddx, index])[0], undefined],
}

/** Inputs x [N, C, H, W], index [N, C, H', W']. Reads x at the places that index names. */
export const GatherPlane: Operator = {
  name: 'GatherPlane',
  infer: ([, index]) => [{ shape: index.shape, batched: index.batched }],
  gradient: (graph, { inputs: [x, index] }, [dy]) => [
    dy && graph.apply(ScatterPlane, [dy, index], { shape: x.shape })[0],
    undefined,
  ],
}

export const AveragePool: Operator = {
  name: 'AveragePool',
  infer: ([x], attributes) => [{ shape: pooledShape('AveragePool', x, attributes), batched: x.batched }],
  gradient: (graph, { inputs: [x], attributes }, [dy]) => [
    dy && graph.apply(AveragePoolGrad, [dy], { ...attributes, shape: x.shape })[0],
  ],
}

/** The transpose of AveragePool; attribute `shape`: that of its result. */
export const AveragePoolGrad: Operator = {
  name: 'AveragePoolGrad',
  infer: ([dy], attributes) => [{ shape: attribute<Shape>(attributes, 'shape', []), batched: dy.batched }],
  gradient: (graph, { attributes: { shape: _, ...attributes } }, [ddx]) => [
    ddx && graph.apply(AveragePool, [ddx], attributes)[0],
  ],
}

export const maxPool = (graph: Builder, x: Tensor, options: PoolOptions): Tensor =>
  graph.apply(MaxPool, [x], attributesOf(options))[0]
export const averagePool = (graph: Builder, x: Tensor, options: PoolOptions): Tensor =>
  graph.apply(AveragePool, [x], attributesOf(options))[0]

/** The mean of every channel: [N, C, H, W] to [N, C, 1, 1]. */
export const globalAveragePool = (graph: Builder, x: Tensor): Tensor => reduceMean(graph, x, [2, 3])

function pooledShape(operator: string, x: Tensor, attributes: Attributes): number[] {
  const numbers = (name: string, length: number, least: number) => {
    const values = attribute<Shape>(attributes, name, [])
    const valid = values.length === length && values.every((n) => Number.isInteger(n) && n >= least)
    check(valid, operator, () => `expected ${name} of ${length} whole numbers of at least ${least}, found [${values}]`)
    return values
  }
  check(x.shape.length === 4, operator, () => `expected a tensor of rank 4, found ${describe(x)}`)
  const [kernel, strides, pads] = [numbers('kernel_shape', 2, 1), numbers('strides', 2, 1), numbers('pads', 4, 0)]
  const spatial = [0, 1].map((axis) => {
    const padded = x.shape[2 + axis] + pads[axis] + pads[2 + axis]
    check(pads[axis] < kernel[axis] && pads[2 + axis] < kernel[axis], operator, () => {
      return `expected less padding than the kernel of ${kernel[axis]}, found [${pads}]`
    })
    check(kernel[axis] <= padded, operator, () => {
      return `the window spans ${kernel[axis]}, more than the padded input of ${padded}: ${describe(x)}`
    })
    return Math.floor((padded - kernel[axis]) / strides[axis]) + 1
  })
  return [x.shape[0], x.shape[1], ...spatial]
}
