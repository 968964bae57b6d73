/**
 * @file Transposed convolution (ONNX ConvTranspose): what the input gradient of a convolution computes, as a
 * layer.
 */
import { attribute, type Builder, check, type Operator } from '../operator.ts'
import { describe, type Shape, sameShape, type Tensor } from '../tensor.ts'
import { type ConvOptions, conv, convolvedShape, convWeightGrad } from './conv.ts'

/**
 * Inputs x [N, C, H, W], weight [C, O / group, kh, kw]. Attributes as Conv's, of the convolution from the
 * result to x, and `shape`, that of the result, [N, O, H', W'].
 */
export const ConvTranspose: Operator = {
  name: 'ConvTranspose',
  weight: 1,
  infer: ([x, weight], attributes) => {
    const shape = attribute<Shape>(attributes, 'shape', [])
    const what = () => `[${shape.join(', ')}] with ${describe(weight)}`
    const back = convolvedShape('ConvTranspose', shape, weight.shape, attributes, what)
    check(sameShape(back, x.shape), 'ConvTranspose', () => `${what()} is convolved to [${back}], not to ${describe(x)}`)
    return [{ shape, batched: x.batched }]
  },
  gradient: (graph, { inputs: [x, weight], attributes }, [dy]) => [
    dy && conv(graph, dy, weight, undefined, attributes),
    dy && convWeightGrad(graph, dy, x, weight.shape, attributes),
  ],
}

/** Appends a transposed convolution to a result of `shape`. */
export const convTranspose = (
  graph: Builder,
  x: Tensor,
  weight: Tensor,
  shape: Shape,
  { strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1], group = 1 }: ConvOptions = {},
): Tensor => graph.apply(ConvTranspose, [x, weight], { strides, pads, dilations, group, shape })[0]
