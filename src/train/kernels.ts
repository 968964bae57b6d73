/**
 * @file Chooses the layers of a network that run on kernels that skip zeros: all that can, none, or those
 * where a table of costs says that it pays. Nothing is timed while a network runs, so a run gives the same
 * numbers wherever it is repeated with the same table.
 */
import { type CostTable, type LayerCost, type Pass, sparseGain } from '../engine/cost.ts'
import { fitsSparse, layerSizes } from '../engine/lowering/sparse.ts'
import type { Graph } from '../graph/graph.ts'
import { canBeSparse } from '../graph/sparsify.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'

export const kernelKinds = ['auto', 'dense', 'sparse'] as const
export type Kernels = (typeof kernelKinds)[number]

/** A layer and what its kernels gain from its zeros. */
export interface LayerGain {
  name: string
  /** Whether it runs on kernels that skip zeros. */
  sparse: boolean
  /**
   * How many times faster than dense kernels the table expects sparse ones to be; undefined where the layer
   * has none.
   */
  gain?: number
}

/** How the weights are held when kernels are chosen. */
interface HeldWeights {
  isSparse(name: string): boolean
  capacity(name: string): number
}

/** What the choice goes by. */
export interface KernelChoice {
  kind: Kernels
  costs: CostTable
  /** What the first graph computes of every layer. */
  pass: Pass
}

export class LayerKernels {
  readonly kind: Kernels
  readonly costs: CostTable
  readonly #pass: Pass
  /** The layers that have sparse kernels, with what the table of costs has to know of each. */
  readonly #layers = new Map<string, LayerCost>()
  readonly #prunable: readonly Tensor[]

  constructor(
    { kind, costs, pass }: KernelChoice,
    graphs: Readonly<Record<string, Graph>>,
    prunable: readonly Tensor[],
  ) {
    this.kind = kind
    this.costs = costs
    this.#pass = pass
    this.#prunable = prunable
    const all = Object.values(graphs)
    // The first graph counts: it is a training step, where there is one.
    for (const weight of kind === 'dense' ? [] : prunable) {
      const possible = all.every((graph) => {
        const tensor = graph.tensors.get(weight.name)
        return !tensor || canBeSparse(graph, tensor, fitsSparse)
      })
      const tensor = all[0].tensors.get(weight.name)!
      const layer = all[0].nodes.find(({ inputs }) => inputs[1] === tensor)
      if (possible && layer) this.#layers.set(weight.name, layerSizes(layer))
    }
  }

  /**
   * The layers to be held sparse, with the room that each gets, where `left` says how many weights it has.
   */
  choose(left: (name: string) => number, held: HeldWeights): Map<string, number> {
    const chosen = new Map<string, number>()
    for (const name of this.#layers.keys()) {
      const count = left(name)
      if (!this.#pays(name, count)) continue
      // Room that is still well used stays, since making new programs takes longer than some training steps.
      const room = held.isSparse(name) ? held.capacity(name) : 0
      chosen.set(name, room >= count && room < 2 * count ? room : count)
    }
    return chosen
  }

  /** What every prunable layer gains, where `left` says how many weights it has. */
  gains(left: (name: string) => number): LayerGain[] {
    return this.#prunable.map(({ name, shape }) => {
      const layer = this.#layers.get(name)
      if (!layer) return { name, sparse: false }
      // The weights that are left count, not how they are held: at the end of a run they may be held dense.
      return { name, sparse: this.#pays(name, left(name)), gain: this.#gain(layer, left(name) / sizeOf(shape)) }
    })
  }

  #pays(name: string, count: number): boolean {
    if (this.kind === 'sparse') return true
    const { in: channels, out, kh, kw } = this.#layers.get(name)!
    const size = channels * out * kh * kw
    // Without zeros a layer is dense in a run that begins, so it is in one that goes on.
    return count < size && this.#gain(this.#layers.get(name)!, count / size) > 1
  }

  #gain(layer: LayerCost, density: number): number {
    return sparseGain(layer, density, this.#pass, this.costs)
  }
}
