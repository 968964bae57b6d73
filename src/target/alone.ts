/** @file Single tensors pruned to one sparsity after the other, the rest of the network as it was. */
import type { Floats } from '../engine/machine.ts'
import type { Tensor } from '../graph/tensor.ts'
import { findGranularity } from '../sparsity/granularity/index.ts'
import { scopes } from '../sparsity/scope.ts'
import { writeMasks } from '../sparsity/write-masks.ts'
import type { Network } from '../train/network.ts'

/** A tensor that alone was pruned, to a sparsity. */
export interface Alone {
  tensor: Tensor
  sparsity: number
  network: Network
}

/** By tensor. */
export type Sparsities = ReadonlyMap<string, readonly number[]>

/**
 * By scores of the dense network, taken once: each tensor keeps its best weights, as pruning all tensors with
 * a sparsity of 0 for the others would leave it. The network is as it was before the first and after each.
 */
export function* aloneByScores(
  network: Network,
  scores: ReadonlyMap<string, Floats>,
  tensors: readonly Tensor[],
  sparsities: Sparsities,
  granularity = 'weight',
): Generator<Alone> {
  const unit = findGranularity(granularity, network.model)!
  for (const tensor of tensors) {
    const { name } = tensor
    const weights = network.values(name).slice()
    for (const sparsity of sparsities.get(name)!) {
      const layer = network.layers().find((one) => one.name === name)!
      layer.scores.set(scores.get(name)!)
      layer.mask.fill(1)
      const select: typeof network.selectTop = (group, keep) => network.selectTop(group, keep)
      writeMasks([layer], { scope: scopes.layerwise, sparsity, select }, unit)
      const [values, mask] = [network.values(name), network.mask(name)]
      for (let i = 0; i < weights.length; i++) values[i] = mask[i] === 0 ? 0 : weights[i]
      yield { tensor, sparsity, network }
    }
    network.values(name).set(weights)
    network.mask(name).fill(1)
  }
}

/** By what a layer-wise method makes of each layer at each sparsity, in one walk through the network. */
export function* aloneByLayers(
  network: Network,
  layers: Iterable<{ name: string; at(sparsity: number): Floats }>,
  tensors: readonly Tensor[],
  sparsities: Sparsities,
): Generator<Alone> {
  for (const { name, at } of layers) {
    const tensor = tensors.find((one) => one.name === name)!
    const dense = network.values(name).slice()
    for (const sparsity of sparsities.get(name)!) {
      network.values(name).set(at(sparsity))
      yield { tensor, sparsity, network }
    }
    network.values(name).set(dense)
  }
}
