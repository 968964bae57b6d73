/**
 * @file Multiply-adds of pruned layers. A weight costs as many of them as there are places that its layer
 * uses it at: the positions of the output's plane for a convolution, one for a linear layer. A zero costs
 * none.
 */
import { multiplications } from '../graph/multiplications.ts'
import { sizeOf } from '../graph/tensor.ts'
import { graphOf, type Model } from '../models/model.ts'
import { keptCount } from './count.ts'
import type { LayerCount } from './mask.ts'
import type { Layer } from './scope.ts'

/** By tensor: the multiply-adds of one sample that each of its weights takes. */
export type Costs = ReadonlyMap<string, number>

/** Multiply-adds of one sample in some layers. */
export interface MultiplyAdds {
  /** Of all weights. */
  dense: number
  /** Of those that are kept. */
  kept: number
}

/** What weights may cost together. */
export interface CostBudget {
  costs: Costs
  /** Multiply-adds of one sample at most. */
  most: number
}

/** Of all parameters that are weights of layers. A tensor that is none costs nothing ({@link costOf}). */
export function weightCosts(model: Model): Costs {
  const graph = graphOf(model)
  const sizes = new Map(graph.withRole('parameter').map(({ name, shape }) => [name, sizeOf(shape)]))
  return new Map([...multiplications(graph)].map(([name, all]) => [name, all / sizes.get(name)!]))
}

export const costOf = (costs: Costs, name: string): number => costs.get(name) ?? 0

export function multiplyAddsOf(costs: Costs, layers: readonly LayerCount[]): MultiplyAdds {
  const sum = (of: (layer: LayerCount) => number) =>
    layers.reduce((all, layer) => all + of(layer) * costOf(costs, layer.name), 0)
  return { dense: sum(({ size }) => size), kept: sum(({ kept }) => kept) }
}

/** The budget that leaves a share (0 to 1) of the dense multiply-adds of some layers. */
export function costBudget(model: Model, layers: readonly Pick<Layer, 'name' | 'shape'>[], share: number): CostBudget {
  const costs = weightCosts(model)
  const counts = layers.map(({ name, shape }) => ({ name, size: sizeOf(shape), kept: 0 }))
  return { costs, most: keptCount(multiplyAddsOf(costs, counts).dense, 1 - share) }
}
