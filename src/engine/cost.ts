/**
 * @file What a layer costs on dense and on sparse kernels, by a table of constants: nanoseconds per
 * multiply-add, per value moved, per weight and per call, by the kind of kernels that take the layer. Tables
 * are measured (`espalier calibrate`) and never timed anew while a program runs, so that a run can be
 * repeated; `costs/` holds one for each instruction set.
 */

/** A layer's sizes, as the kernels of src/engine/kernels/sparse.ts have them. */
export interface LayerCost {
  batch: number
  in: number
  out: number
  h: number
  w: number
  oh: number
  ow: number
  kh: number
  kw: number
  sy: number
  sx: number
  dy: number
  dx: number
}

/** What is computed of a layer: the forward pass alone, or a training step with gradients and an update. */
export const passes = ['forward', 'step'] as const
export type Pass = (typeof passes)[number]

/**
 * Kinds of layers, by the kernels that take them: 3 x 3 convolutions by Winograd's algorithm; other
 * convolutions, without and with a stride or dilation; 1 x 1 convolutions; linear layers. Those with `few`
 * are the same of fewer samples than a vector has lanes.
 */
export const layerKinds = [
  'winograd',
  'direct',
  'strided',
  'product',
  'linear',
  'fewDirect',
  'fewStrided',
  'fewProduct',
  'fewLinear',
] as const
export type LayerKind = (typeof layerKinds)[number]

/**
 * What a layer has of each: multiply-adds, values of the input and the output, weights, calls. On sparse
 * kernels only the multiply-adds and weights of nonzeros count.
 */
export interface Amounts {
  multiplyAdd: number
  value: number
  weight: number
  call: number
}

/** Nanoseconds for each of {@link Amounts}. */
export interface Cost extends Amounts {
  /** The root of the mean of squared relative errors over the layers that were measured, where some were. */
  error?: number
}

export interface KindCosts {
  dense: Cost
  sparse: Cost
}

/** Constants of one machine, and where they were measured. */
export interface CostTable {
  /** By which runs and results say what chose their kernels. */
  name: string
  /** Floats of a vector: batches below that are few samples. */
  lanes: number
  /** In ISO 8601. */
  date: string
  processor: string
  instructionSet: string
  threads: number
  costs: Readonly<Record<Pass, Readonly<Record<LayerKind, KindCosts>>>>
}

/** The fewest samples and channels on both sides that Winograd's algorithm takes (kernels/winograd.h). */
const WINOGRAD_LEAST = 8

/** The kind that a layer is of on a machine whose vectors have so many lanes. */
export function kindOf(layer: LayerCost, lanes: number): LayerKind {
  const { batch, in: channels, out, oh, ow, kh, kw, sy, sx, dy, dx } = layer
  const plain = sy === 1 && sx === 1 && dy === 1 && dx === 1
  if (plain && kh === 3 && kw === 3 && oh * ow > 1 && Math.min(channels, out, batch) >= WINOGRAD_LEAST)
    return 'winograd'
  const few = batch < lanes
  if (!plain) return few ? 'fewStrided' : 'strided'
  if (kh * kw > 1) return few ? 'fewDirect' : 'direct'
  if (oh * ow > 1) return few ? 'fewProduct' : 'product'
  return few ? 'fewLinear' : 'linear'
}

/** What a layer has, where `density` of its weights are there. */
export function amountsOf(layer: LayerCost, density: number): Amounts {
  const { batch, in: channels, out, h, w, oh, ow, kh, kw } = layer
  const weights = density * out * channels * kh * kw
  return {
    multiplyAdd: batch * oh * ow * weights,
    value: batch * (channels * h * w + out * oh * ow),
    weight: weights,
    call: 1,
  }
}

/** Nanoseconds of a layer by a cost. */
export function timeOf(cost: Amounts, amounts: Amounts): number {
  return (
    cost.multiplyAdd * amounts.multiplyAdd +
    cost.value * amounts.value +
    cost.weight * amounts.weight +
    cost.call * amounts.call
  )
}

/**
 * How many times faster than on dense kernels a pass over the layer is on sparse ones, where `density` of its
 * weights are nonzeros.
 */
export function sparseGain(layer: LayerCost, density: number, pass: Pass, { lanes, costs }: CostTable): number {
  const { dense, sparse } = costs[pass][kindOf(layer, lanes)]
  return timeOf(dense, amountsOf(layer, 1)) / timeOf(sparse, amountsOf(layer, density))
}
