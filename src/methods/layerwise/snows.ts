/**
 * @file SNOWS (Lucas & Mazumder 2024): masks by magnitude, and then, layer after layer, those values of the
 * weights that are kept which minimize the K-step reconstruction loss (snows-horizon.ts), found by Newton
 * steps whose directions come from conjugate gradients on exact Hessian products (newton-cg.ts). A layer sees
 * the layers before it as they have become; those after it are as they came. Labels are not needed.
 *
 * Weights that are 0 stay 0 and the others begin with the values that they have, so on a network that another
 * method has pruned to the same sparsity its masks stay, and its weights improve. The dense network must then
 * be given: what is reconstructed are its activations.
 */
import type { Floats } from '../../engine/machine.ts'
import { selectTop } from '../../select/top.ts'
import { checkSparsity } from '../../sparsity/count.ts'
import { findScope, type Group, type ScopeName } from '../../sparsity/scope.ts'
import { isLinear } from '../../sparsity/tensors.ts'
import type { Network } from '../../train/network.ts'
import { checkNotNegative, checkWhole } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { prunedResult, type Reconstruction } from '../masks.ts'
import { chooseImages, type LayerwiseOptions, type LayerwiseResult, layersOf } from './driver.ts'
import { newtonCg } from './newton-cg.ts'
import { LayerReconstruction, type PrunedNetwork } from './snows-layer.ts'

export interface SnowsOptions extends LayerwiseOptions {
  /** Share of zeros among the weights of these layers, 0 to 1. */
  sparsity: number
  /** Which magnitudes compete. Default `global`. */
  scope?: ScopeName
  /**
   * K: the activations that are compared, of layers and nonlinearities, counted from the layer's own outputs
   * (1: these alone; the published code counts the steps after them, one less), at most those up to the
   * logits. Default 20.
   */
  horizon?: number
  /** Most Newton steps of a layer. Default 3. */
  newtonSteps?: number
  /** Most iterations of conjugate gradients in a Newton step. Default 20. */
  cgIterations?: number
  /** Parameters and buffers of the dense network by name. Default: of this one, as it is before. */
  dense?: ReadonlyMap<string, Floats>
}

/** Images of a product with the Hessian where the network has convolutions; else all of them. */
const CURVATURE = 128

/**
 * Prunes with SNOWS: n - round(sparsity n) weights of each group of the scope are kept, fewer where more are
 * zero. The K-step loss of no layer rises. Throws UserError, and changes nothing, where weights or
 * activations are not finite, or activations of so many images do not fit into memory.
 */
export function pruneSnows(network: Network, options: SnowsOptions): LayerwiseResult {
  const { sparsity, scope = 'global', samples = 1024, damp = 0.01, seed = 0, dense, progress } = options
  const { horizon = 20, newtonSteps = 3, cgIterations = 20 } = options
  checkSparsity(sparsity)
  checkWhole('seed', seed, 0)
  checkNotNegative('damp', damp)
  checkWhole('horizon', horizon, 1)
  checkWhole('newtonSteps', newtonSteps, 0)
  checkWhole('cgIterations', cgIterations, 1)
  network.densify() // Masks and gradients are of whole tensors.
  const layers = layersOf(network, options)
  const masks = magnitudeMasks(network, findScope(scope).groups(layers, sparsity))
  const images = chooseImages(network, samples, seed)
  const { machine, model, data, stored } = network
  const original = new Map(stored.map(({ name }) => [name, network.values(name).slice()]))
  const present = new Map(original)
  const denseValues = (name: string) => found(dense ?? original, name)
  const pruned: PrunedNetwork = { machine, model, data, stored, denseValues, values: (name) => found(present, name) }
  const curvature = isLinear(model) ? Number.POSITIVE_INFINITY : CURVATURE
  const newton = { steps: newtonSteps, iterations: cgIterations, damp }

  const reconstructions = layers.map(({ name }, i): Reconstruction => {
    const mask = masks.get(name)!
    const masked = original.get(name)!.map((w, place) => (mask[place] === 0 ? 0 : w))
    present.set(name, masked)
    const kept = Uint32Array.from(mask.keys()).filter((place) => mask[place] === 1)
    const layer = new LayerReconstruction(pruned, name, kept, { horizon, images, curvature })
    const { at, before, after, steps } = newtonCg(layer, layer.kept(masked), newton)
    if (!Number.isFinite(before))
      throw new UserError(`${name} has a reconstruction loss that is not finite: nothing was pruned`)
    kept.forEach((place, k) => {
      masked[place] = at[k]
    })
    progress?.(name, i + 1, layers.length)
    const horizonReport = { steps: layer.steps, before, after, newtonSteps: steps }
    return { name, error: before > 0 ? after / before : 0, dead: 0, horizon: horizonReport }
  })
  for (const { name } of layers) {
    network.mask(name).set(masks.get(name)!)
    network.values(name).set(present.get(name)!)
  }
  network.applyMasks()
  network.fitKernels()
  return { ...prunedResult(network), reconstructions }
}

/** Masks of the largest magnitudes of each group, without weights that are zero. Throws UserError. */
function magnitudeMasks(network: Network, groups: readonly Group[]): Map<string, Float32Array> {
  const masks = new Map<string, Float32Array>()
  for (const { layers, keep } of groups) {
    const scores = layers.map(({ name }) => {
      const values = network.values(name)
      if (!values.every(Number.isFinite))
        throw new UserError(`${name} has weights that are not finite: nothing was pruned`)
      return values.map(Math.abs)
    })
    const chosen = scores.map(({ length }) => new Float32Array(length))
    selectTop(scores, keep, chosen)
    layers.forEach(({ name }, i) => {
      const mask = chosen[i].map((bit, place) => (scores[i][place] === 0 ? 0 : bit))
      masks.set(name, mask)
    })
  }
  return masks
}

/** The values of a tensor. Throws UserError where the dense network has none of that name. */
function found(tensors: ReadonlyMap<string, Floats>, name: string): Floats {
  const values = tensors.get(name)
  if (!values) throw new UserError(`dense: expected a tensor ${name}, found none`)
  return values
}
