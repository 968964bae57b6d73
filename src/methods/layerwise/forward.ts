/**
 * @file A network as nodes, for a number of samples, up to its last layer in question: where each layer is
 * reached, what is alive between two places, and the graph from one place to another.
 */
import type { SampleSet } from '../../data/dataset.ts'
import { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import { loadSamples } from '../../graph/operators/batch.ts'
import { neededFor, replay, twinOf } from '../../graph/replay.ts'
import { foldConstants } from '../../graph/simplify.ts'
import type { Tensor } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { type LayerMatrix, layerMatrix } from './layer.ts'

/** The set of samples in the graphs: a batch of them. */
export const SAMPLES = 'calibration'

/** A layer of a network: a weight, and where it is met. */
export interface LayerPlace {
  layer: LayerMatrix
  /** The nodes that multiply with the weight, as numbers. */
  uses: number[]
  /** The first node that reads the weight in any way: what lies before does not depend on it. */
  first: number
}

/** A piece of the network, from some place on. */
export interface Segment {
  graph: Graph
  /** Whether it begins with the samples: with an `index` into the state {@link SAMPLES}.images. */
  fromSamples: boolean
  /** Names of inputs, which are those of what was kept. */
  inputs: string[]
  /** Names of what is alive at its end and not kept yet: outputs. */
  outputs: string[]
}

export class Forward {
  readonly batch: number
  readonly nodes: readonly Node[]
  readonly #data: Pick<SampleSet, 'image' | 'mean' | 'std' | 'floats'>
  readonly #images: Tensor
  /** Everything that is computed by a node or is given, with a name that is the same for other batches. */
  readonly #names = new Map<Tensor, string>()
  readonly #layers = new Map<string, LayerPlace>()

  /** Throws where the model has no layer of such a weight. */
  constructor(model: Model, data: Forward['data'], names: readonly string[], batch: number) {
    this.batch = batch
    this.#data = data
    const graph = new Graph()
    const { images } = loadSamples(graph, { ...data, name: SAMPLES, count: batch }, batch)
    const before = graph.nodes.length
    model.build(graph, images, false)
    this.#images = images
    this.nodes = foldConstants(graph).nodes.slice(before)
    this.#names.set(images, 'samples')
    this.nodes.forEach(({ outputs }, at) => {
      outputs.forEach((output, i) => void this.#names.set(output, `${at}.${i}`))
    })
    const wanted = new Set(names)
    this.nodes.forEach((node, at) => {
      const weight = node.inputs[node.operator.weight ?? -1]
      if (weight?.role === 'parameter' && wanted.has(weight.name)) this.#addUse(node, at)
    })
    const missing = names.find((name) => !this.#layers.has(name))
    if (missing !== undefined) throw new Error(`no layer of ${model.name} has a prunable weight named ${missing}`)
  }

  #addUse(node: Node, at: number): void {
    const layer = layerMatrix(node)
    const known = this.#layers.get(layer.name)
    if (known && (known.layer.transposed !== layer.transposed || known.layer.groups !== layer.groups))
      throw new Error(`${layer.name} is used as two different matrices, and has no inputs that could be added up`)
    const first = this.nodes.findIndex(({ inputs }) => inputs.some(({ name }) => name === layer.name))
    this.#layers.set(layer.name, { layer, uses: [...(known?.uses ?? []), at], first })
  }

  get data(): Pick<SampleSet, 'image' | 'mean' | 'std' | 'floats'> {
    return this.#data
  }

  place(name: string): LayerPlace {
    return this.#layers.get(name)!
  }

  places(): LayerPlace[] {
    return [...this.#layers.values()]
  }

  /** Names of what nodes before `at` have computed, or samples, and layers from there on need. */
  alive(at: number): string[] {
    return [...this.#aliveAt(at)].map(this.#name)
  }

  /** What goes into a use of a layer. */
  inputOf(use: number): string {
    return this.#name(this.#input(use))
  }

  /** What is not computed has the name that it has in the model. */
  #name = (tensor: Tensor): string => this.#names.get(tensor) ?? tensor.name

  #aliveAt(at: number): Set<Tensor> {
    const later = this.nodes.slice(at)
    const inputs = this.places().flatMap(({ uses }) => uses.filter((use) => use >= at).map((use) => this.#input(use)))
    const needed = neededFor(inputs, later)
    const made = new Set(later.flatMap(({ outputs }) => outputs))
    return new Set([...needed].filter((tensor) => this.#names.has(tensor) && !made.has(tensor)))
  }

  #input = (use: number): Tensor => this.nodes[use].inputs[0]

  /**
   * The network from node `from` to what goes into the nodes `uses`, whose inputs are outputs of the graph by
   * their names, as is what is alive at node `at`. `kept`: what is given by its name.
   */
  segment(from: number, at: number, uses: readonly number[], kept: ReadonlySet<string>): Segment {
    const name = this.#name
    const alive = [...this.#aliveAt(at)].filter((tensor) => !kept.has(name(tensor)))
    const wanted = new Set([...alive, ...uses.map(this.#input)])
    const end = Math.max(at, ...uses)
    const between = this.nodes.slice(from, end)
    const needed = neededFor(wanted, between)
    const nodes = between.filter(({ outputs }) => outputs.some((output) => needed.has(output)))

    const graph = new Graph()
    const known = new Map<Tensor, Tensor>()
    const inputs = [...needed].filter((tensor) => this.#names.has(tensor) && kept.has(name(tensor)))
    for (const tensor of inputs) known.set(tensor, graph.input(name(tensor), tensor.shape, tensor))
    const fromSamples = needed.has(this.#images) && !known.has(this.#images)
    if (fromSamples) {
      const count = this.batch
      known.set(this.#images, loadSamples(graph, { ...this.#data, name: SAMPLES, count }, count).images)
    }
    replay(graph, nodes, known)
    for (const tensor of wanted) graph.output(name(tensor), twinOf(graph, tensor, known))
    return { graph, fromSamples, inputs: inputs.map(name), outputs: alive.map(name) }
  }
}
