/**
 * @file Convolution over two spatial axes (ONNX Conv) and its gradients. All three are bilinear in their
 * inputs and each one's gradients are the other two, so derivatives of any order stay in the family.
 */
import type { Graph } from '../graph.ts'
import { type Attributes, attribute, type Builder, check, type Operator } from '../operator.ts'
import { describe, type Shape, type Tensor } from '../tensor.ts'
import { reduceSum, reshape } from './shape.ts'

export interface ConvOptions {
  /** [rows, columns]. Default [1, 1]. */
  strides?: readonly [number, number]
  /** [top, left, bottom, right]. Default no padding. */
  pads?: readonly [number, number, number, number]
  /** Default [1, 1]. */
  dilations?: readonly [number, number]
  /** Channels are cut into this many groups. Default 1; equal to the channels: depthwise. */
  group?: number
}

/** The attributes of a node, checked and with defaults filled in. */
export function convOptions(operator: string, attributes: Attributes): Required<ConvOptions> {
  const list = (name: string, fallback: Shape, least: number) => {
    const values = attribute<Shape>(attributes, name, fallback)
    const valid = values.length === fallback.length && values.every((n) => Number.isInteger(n) && n >= least)
    check(
      valid,
      operator,
      () => `expected ${name} of ${fallback.length} whole numbers of at least ${least}, found [${values}]`,
    )
    return values
  }
  const group = attribute<number>(attributes, 'group', 1)
  check(Number.isInteger(group) && group >= 1, operator, () => `expected a group of at least 1, found ${group}`)
  const [down, right] = list('strides', [1, 1], 1)
  const pads = list('pads', [0, 0, 0, 0], 0)
  const [rows, columns] = list('dilations', [1, 1], 1)
  return {
    strides: [down, right],
    pads: [pads[0], pads[1], pads[2], pads[3]],
    dilations: [rows, columns],
    group,
  }
}

/** Inputs x [N, C, H, W], weight [O, C / group, kh, kw], optionally bias [O]. Output [N, O, H', W']. */
export const Conv: Operator = {
  name: 'Conv',
  weight: 1,
  infer: ([x, weight, bias], attributes) => {
    const shape = convolvedShape(
      'Conv',
      x.shape,
      weight.shape,
      attributes,
      () => `${describe(x)} with ${describe(weight)}`,
    )
    check(!bias || (bias.shape.length === 1 && bias.shape[0] === weight.shape[0]), 'Conv', () => {
      return `expected a bias of ${weight.shape[0]}, found ${describe(bias!)}`
    })
    return [{ shape, batched: x.batched }]
  },
  gradient: (graph, { inputs: [x, weight, bias], attributes }, [dy]) => [
    dy && convInputGrad(graph, dy, weight, x.shape, attributes),
    dy && convWeightGrad(graph, x, dy, weight.shape, attributes),
    dy && bias && reshape(graph, reduceSum(graph, dy, [0, 2, 3]), bias.shape, false),
  ],
}

/** dx of a Conv. Inputs dy, weight; attributes as Conv's and `shape`, that of x. */
export const ConvInputGrad: Operator = {
  name: 'ConvInputGrad',
  infer: ([dy], attributes) => [{ shape: attribute<Shape>(attributes, 'shape', []), batched: dy.batched }],
  gradient: (graph, { inputs: [dy, weight], attributes }, [ddx]) => [
    ddx && conv(graph, ddx, weight, undefined, attributes),
    ddx && convWeightGrad(graph, ddx, dy, weight.shape, attributes),
  ],
}

/** dw of a Conv, summed over samples. Inputs x, dy; attributes as Conv's and `shape`, that of the weight. */
export const ConvWeightGrad: Operator = {
  name: 'ConvWeightGrad',
  infer: (_inputs, attributes) => [{ shape: attribute<Shape>(attributes, 'shape', []), batched: false }],
  gradient: (graph, { inputs: [x, dy], attributes }, [ddw]) => [
    ddw && convInputGrad(graph, dy, ddw, x.shape, attributes),
    ddw && conv(graph, x, ddw, undefined, attributes),
  ],
}

/** As ConvWeightGrad, kept apart by sample: the result is [N, ...weight shape]. */
export const ConvSampleGrads: Operator = {
  name: 'ConvSampleGrads',
  infer: ([x], attributes) => [{ shape: [x.shape[0], ...attribute<Shape>(attributes, 'shape', [])], batched: true }],
}

/**
 * The sum over samples of the squares of ConvSampleGrads, without ever holding them all: of the weight's
 * shape. The engine lets it yield the sum over samples, too, where ConvWeightGrad is asked for beside it
 * (engine/fuse.ts).
 */
export const ConvSampleSquares: Operator = {
  name: 'ConvSampleSquares',
  infer: (_inputs, attributes) => [{ shape: attribute<Shape>(attributes, 'shape', []), batched: false }],
}

/** Appends a convolution; `options` may be the attributes of another node of the family. */
export function conv(
  graph: Builder,
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvOptions | Attributes = {},
): Tensor {
  const { shape: _, ...attributes } = options as Attributes
  return graph.apply(Conv, bias ? [x, weight, bias] : [x, weight], attributes)[0]
}

export const convInputGrad = (
  graph: Builder,
  dy: Tensor,
  weight: Tensor,
  shape: Shape,
  attributes: Attributes,
): Tensor => graph.apply(ConvInputGrad, [dy, weight], { ...attributes, shape })[0]
export const convWeightGrad = (graph: Builder, x: Tensor, dy: Tensor, shape: Shape, attributes: Attributes): Tensor =>
  graph.apply(ConvWeightGrad, [x, dy], { ...attributes, shape })[0]

export interface ConvLayerOptions {
  stride?: number
  pad?: number
  group?: number
  /** Default false: a batch normalization usually follows. */
  bias?: boolean
}

/**
 * A square convolution layer with parameters `<name>.weight` [out, in / group, kernel, kernel] and
 * `<name>.bias`.
 */
export function convLayer(
  graph: Graph,
  x: Tensor,
  name: string,
  out: number,
  kernel: number,
  options: ConvLayerOptions = {},
): Tensor {
  const { stride = 1, pad = 0, group = 1, bias = false } = options
  const fan = { in: (x.shape[1] / group) * kernel * kernel, out: (out / group) * kernel * kernel }
  const weight = graph.parameter(`${name}.weight`, [out, x.shape[1] / group, kernel, kernel], fan)
  const offset = bias ? graph.parameter(`${name}.bias`, [out], fan) : undefined
  return conv(graph, x, weight, offset, { strides: [stride, stride], pads: [pad, pad, pad, pad], group })
}

/** The shape of the result of a convolution; `what` is what messages call its operands. */
export function convolvedShape(
  operator: string,
  x: Shape,
  weight: Shape,
  attributes: Attributes,
  what: () => string,
): number[] {
  const { strides, pads, dilations, group } = convOptions(operator, attributes)
  check(x.length === 4 && weight.length === 4, operator, () => `expected two tensors of rank 4, found ${what()}`)
  check(
    x[1] % group === 0 && weight[0] % group === 0,
    operator,
    () => `${group} groups do not divide the channels of ${what()}`,
  )
  check(x[1] === weight[1] * group, operator, () => `expected ${weight[1] * group} input channels, found ${what()}`)
  const spatial = [0, 1].map((axis) => {
    const padded = x[2 + axis] + pads[axis] + pads[2 + axis]
    const reach = dilations[axis] * (weight[2 + axis] - 1) + 1
    check(
      reach <= padded,
      operator,
      () => `the kernel spans ${reach}, more than the padded input of ${padded}: ${what()}`,
    )
    return Math.floor((padded - reach) / strides[axis]) + 1
  })
  return [x[0], weight[0], ...spatial]
}
