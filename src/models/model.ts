/**
 * @file What a built-in network is: a graph for any batch size, and how its parameters begin.
 */
import type { Graph } from '../graph/graph.ts'
import { type Fan, sizeOf, type Tensor } from '../graph/tensor.ts'
import type { Random } from '../util/random.ts'

export interface Model {
  name: string
  /** One line, with the paper it comes from. */
  summary: string
  /** [C, H, W] of one sample. */
  image: readonly [number, number, number]
  classes: number
  /** Appends the network: images [N, C, H, W] to logits [N, classes]. `training`: batch normalization uses the batch's statistics. */
  build(graph: Graph, images: Tensor, training: boolean): Tensor
}

/** Ways to draw initial weights; f_in and f_out count the kernel's area. */
export const initializers = {
  /** Weights and biases U(-1/sqrt(f_in), 1/sqrt(f_in)): PyTorch's default for linear and convolution layers. */
  uniform: (_tensor: Tensor, fan: Fan, draw: Random) => {
    const bound = 1 / Math.sqrt(fan.in)
    return () => bound * (2 * draw.uniform() - 1)
  },
  /** Weights U(-b, b), b = sqrt(6 / (f_in + f_out)) (Glorot & Bengio 2010); biases 0. */
  'xavier-uniform': (tensor: Tensor, fan: Fan, draw: Random) => {
    const bound = Math.sqrt(6 / (fan.in + fan.out))
    return tensor.shape.length > 1 ? () => bound * (2 * draw.uniform() - 1) : () => 0
  },
} as const
export type InitializerName = keyof typeof initializers

/** Initial values of a parameter, row-major. Each tensor has its own stream, so the order of tensors does not matter. */
export function initialValues(tensor: Tensor, scheme: InitializerName, draw: Random): Float64Array {
  const { initial } = tensor
  if (initial === undefined) throw new Error(`${tensor.name} does not say how it begins`)
  if (typeof initial === 'number') return new Float64Array(sizeOf(tensor.shape)).fill(initial)
  const next = initializers[scheme](tensor, initial, draw)
  return Float64Array.from({ length: sizeOf(tensor.shape) }, next)
}
