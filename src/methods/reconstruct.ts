/**
 * @file What is left of a network that has lost channels, solved anew: the layers that read them, from the
 * first to the last, get the weights whose outputs on some training images come nearest to those that the old
 * weights gave (layerwise/lost-inputs.ts). Inputs are as the pruned network makes them; channels that a layer
 * loses are for that as the layers before would make them now. No labels are needed; the loss of held-out
 * samples says whether all of it stays.
 */
import type { Floats } from '../engine/machine.ts'
import { reusingMemory } from '../engine/machines/reused.ts'
import type { Network } from '../train/network.ts'
import { chooseImages } from './layerwise/driver.ts'
import { Forward, type LayerPlace } from './layerwise/forward.ts'
import type { LayerMatrix } from './layerwise/layer.ts'
import { losesInputs, withoutInputs } from './layerwise/lost-inputs.ts'
import { calibrationImages } from './layerwise/plan.ts'
import { Shelf } from './layerwise/shelf.ts'
import { LayerWalk } from './layerwise/walk.ts'
import type { Reconstructed } from './masks.ts'
import type { PruningPlan, PruningProgress, PruningRequest } from './method.ts'
import { judgingPlaces } from './samples.ts'

/**
 * The plan, which then also reconstructs where that lowers the held-out loss. `judging`: the places, among
 * the training samples, of those whose loss decides (default: drawn by the seed).
 */
export function withReconstruction(
  plan: PruningPlan,
  request: PruningRequest,
  judging = () => judgingPlaces(request.data.samples, request.seed),
): PruningPlan {
  const images = calibrationImages(undefined, request)
  return {
    ...plan,
    settings: { ...plan.settings, reconstruct: 'auto' },
    network: { ...plan.network, judged: plan.network.judged ?? judging().length },
    prune(network, event, index, progress = () => {}) {
      network.densify()
      const dense = new Map(network.prunable.map(({ name }) => [name, network.values(name).slice()]))
      const result = plan.prune(network, event, index, progress)
      const judges = judging().map((place) => network.indices.train[place])
      const reconstructed = reconstruct(network, dense, { images, seed: request.seed, judges, progress })
      if (!reconstructed) return result
      return { ...result, reconstructed, seconds: { ...result.seconds, reconstruction: reconstructed.seconds } }
    },
  }
}

interface Options {
  images: number
  seed: number
  judges: Uint32Array
  progress: PruningProgress
}

/** Bytes of products of inputs that are kept in memory; files hold what is more. */
const KEPT = 2 ** 29

/**
 * Solves what reads channels anew again and again, each time after others went, on inputs of the network as
 * it was before: their products are taken once.
 */
export class Reconstructor {
  readonly #dense: ReadonlyMap<string, Floats>
  readonly #layers = new Map<string, LayerMatrix>()
  readonly #grams = new Shelf<Float64Array>(KEPT)

  constructor(network: Network, { images, seed }: Pick<Options, 'images' | 'seed'>) {
    this.#dense = new Map(network.prunable.map(({ name }) => [name, network.values(name).slice()]))
    const names = matricesOf(network).map(({ layer }) => layer.name)
    const walk = new LayerWalk(network, names, chooseImages(network, images, seed))
    for (const name of names) {
      const { layer, grams } = walk.products(name)
      this.#layers.set(name, layer)
      grams.forEach((gram, group) => {
        this.#grams.put(`${name} ${group}`, gram.slice())
      })
    }
    walk.close()
  }

  /** Of a network with the same weights but for those that are removed. */
  solve(network: Network): void {
    for (const name of losers(network, this.#dense)) {
      const layer = this.#layers.get(name)!
      const grams = Array.from({ length: layer.groups }, (_, group) => this.#grams.get(`${name} ${group}`))
      const { weights } = withoutInputs(
        reusingMemory(network.machine),
        layer,
        { dense: this.#dense.get(name)!, mask: network.mask(name) },
        grams,
      )
      network.values(name).set(weights)
    }
    network.applyMasks()
  }
}

/** Undefined where no layer has lost an input. */
function reconstruct(
  network: Network,
  dense: ReadonlyMap<string, Floats>,
  { images, seed, judges, progress }: Options,
): Reconstructed | undefined {
  network.densify()
  const names = losers(network, dense)
  if (names.length === 0) return undefined
  const started = performance.now()
  progress('reconstruction', '', 0)
  const solved = new Map<string, Floats>()
  const layers: Reconstructed['layers'] = []
  const { machine, model, data, stored } = network
  const values = (name: string) => solved.get(name) ?? dense.get(name) ?? network.values(name)
  const walk = new LayerWalk({ machine, model, data, stored, values }, names, chooseImages(network, images, seed))
  const solver = reusingMemory(machine)
  try {
    names.forEach((name, i) => {
      const { layer, grams } = walk.products(name)
      const found = withoutInputs(solver, layer, { dense: dense.get(name)!, mask: network.mask(name) }, grams)
      const weights = network.values(name).slice()
      weights.set(found.weights)
      solved.set(name, weights)
      layers.push({ name, before: found.before, after: found.after })
      progress('reconstruction', `${name}, ${i + 1} of ${names.length}`, (i + 1) / names.length)
    })
  } finally {
    walk.close()
  }
  const pruned = new Map(names.map((name) => [name, network.values(name).slice()]))
  const write = (all: ReadonlyMap<string, Floats>) => {
    for (const name of names) network.values(name).set(all.get(name)!)
    network.applyMasks()
  }
  const before = network.trainingLoss(judges)
  write(solved)
  const after = network.trainingLoss(judges)
  const taken = after < before
  if (!taken) write(pruned)
  network.fitKernels()
  return { images, layers, before, after, taken, seconds: (performance.now() - started) / 1000 }
}

/** The layers that have lost inputs, in the order in which the network reaches them. */
function losers(network: Network, dense: ReadonlyMap<string, Floats>): string[] {
  return matricesOf(network)
    .filter(({ layer }) => losesInputs(layer, dense.get(layer.name)!, network.mask(layer.name)))
    .map(({ layer }) => layer.name)
}

/** The layers whose weights are prunable, in the order in which the network reaches them. */
function matricesOf({ model, data, prunable }: Network): LayerPlace[] {
  // Scales of channels are no matrices.
  const names = prunable.flatMap(({ name, shape }) => (shape.length > 1 ? [name] : []))
  return new Forward(model, data, names, 1).places().sort((a, b) => a.first - b.first)
}
