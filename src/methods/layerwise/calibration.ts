/**
 * @file Calibration: the products 2 X X' of the inputs of a network's layers over some images.
 *
 * A layer is linear in its weight, so the gradient of |W X|^2 / 2 with respect to W, W X X', is X X' where W
 * is the identity. That holds for a matrix product, and for a convolution whose kernels pick out one input
 * each: its output is the unfolded input, whatever the stride, the padding, the dilation or the groups.
 * Products are thus ordinary convolutions and their gradients on the machine, in float32 over the positions
 * of a batch; batches are added up in float64.
 */
import type { SampleSet, Samples } from '../../data/dataset.ts'
import { compile } from '../../engine/compile.ts'
import type { Floats, Machine } from '../../engine/machine.ts'
import { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import { loadSamples } from '../../graph/operators/batch.ts'
import { reshape, transpose } from '../../graph/operators/shape.ts'
import { type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { writeSamples } from '../../train/write-samples.ts'
import { type LayerMatrix, layerMatrix } from './layer.ts'

/** What calibration needs of a network. */
export interface Calibrated {
  machine: Machine
  model: Model
  data: Pick<SampleSet, 'image' | 'mean' | 'std' | 'floats'>
  /** Parameters and buffers. */
  stored: readonly Tensor[]
  values(name: string): Floats
}

/** A layer and the products of its inputs. */
export interface Calibration {
  layer: LayerMatrix
  /**
   * 2 X X' per group of the layer, [columns][columns], summed over samples and positions; exactly symmetric.
   */
  grams: Float64Array[]
}

/** Images per run: memory is the unfolded input of the largest layer, times this. */
const BATCH = 32

/**
 * The products of the inputs of the named prunable tensors over `images` ([count, C, H, W], bytes or floats
 * as the data are), in the order of the names, with the network as it is for inference. A tensor that several
 * nodes share sums over them. Throws where no layer has such a weight.
 */
export function calibrate(network: Calibrated, names: readonly string[], images: Samples['images']): Calibration[] {
  const count = images.length / sizeOf(network.data.image)
  const most = network.model.oneByOne ? 1 : BATCH
  const sizes = [...new Set([Math.min(count, most), count % most])].filter((size) => size > 0)
  const built = sizes.map((size) => ({ program: `${size}`, ...gramGraph(network, names, count, size) }))
  const executable = compile(network.machine, Object.fromEntries(built.map(({ program, graph }) => [program, graph])))
  writeSamples(executable, 'calibration.images', images)
  for (const { name } of network.stored) if (executable.has(name)) executable.view(name).set(network.values(name))
  const [{ uses, identities }] = built
  for (const [name, columns] of identities) {
    const view = executable.view(name)
    for (let row = 0; row * columns < view.length; row++) view[row * columns + (row % columns)] = 1
  }

  const calibrations = new Map(uses.map(({ layer }) => [layer.name, emptyCalibration(layer)]))
  for (let at = 0; at < count; at += most) {
    const batch = Uint32Array.from({ length: Math.min(most, count - at) }, (_, i) => at + i)
    const program = `${batch.length}`
    executable.write(program, 'index', batch)
    executable.run(program)
    for (const { layer, output } of uses) addTwice(calibrations.get(layer.name)!, executable.read(program, output))
  }
  return names.map((name) => {
    const found = calibrations.get(name)
    if (!found) throw new Error(`no layer of ${network.model.name} has a prunable weight named ${name}`)
    return found
  })
}

const emptyCalibration = (layer: LayerMatrix): Calibration => ({
  layer,
  grams: Array.from({ length: layer.groups }, () => new Float64Array(layer.columns ** 2)),
})

/** grams += X X' + (X X')': twice the products, and symmetric however they were rounded. */
export function addTwice({ layer: { columns: n }, grams }: Calibration, products: Floats): void {
  grams.forEach((gram, group) => {
    const at = group * n * n
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) {
        const sum = products[at + i * n + j] + products[at + j * n + i]
        gram[i * n + j] += sum
        if (j < i) gram[j * n + i] += sum
      }
  })
}

/** A node that multiplies with a named weight, and the name of the output that holds its X X'. */
interface Use {
  layer: LayerMatrix
  output: string
}

/**
 * The network on a batch, with X X' of every named layer as an output; `identities` are states to be filled,
 * with their numbers of columns.
 */
function gramGraph({ model, data }: Calibrated, names: readonly string[], count: number, batch: number) {
  const graph = new Graph()
  const { images } = loadSamples(graph, { ...data, name: 'calibration', count }, batch)
  model.build(graph, images, false)
  const uses: Use[] = []
  const identities = new Map<string, number>()
  for (const node of [...graph.nodes]) {
    const weight = node.inputs[node.operator.weight ?? -1]
    if (weight?.role !== 'parameter' || !names.includes(weight.name)) continue
    const layer = layerMatrix(node)
    const other = uses.find((use) => use.layer.name === layer.name)?.layer ?? layer
    if (other.transposed !== layer.transposed || other.groups !== layer.groups)
      throw new Error(`${layer.name} is used as two different matrices, and has no inputs that could be added up`)
    const { identity, gram } = appendGram(graph, node, layer)
    const output = `${layer.name}, use ${uses.length}`
    graph.output(output, gram)
    uses.push({ layer, output })
    identities.set(identity.name, layer.columns)
  }
  return { graph, uses, identities }
}

/** Appends the gradient of |W X|^2 / 2 at the identity, [groups x columns][columns]. */
export function appendGram(graph: Graph, { operator, inputs, attributes }: Node, layer: LayerMatrix) {
  const { columns, groups, shape, taps = 1 } = layer
  const weight = operator.weight!
  const rows = groups * columns
  const inner = shape.length === 4 && !layer.transposed ? shape.slice(1) : [columns]
  const identity = graph.state(`identity [${rows}, ${inner}]`, [rows, ...inner])
  // A transposed convolution has taps last: [inputs][columns][taps].
  const turns = operator.name === 'ConvTranspose'
  const turned = (x: Tensor, from: Shape, to: Shape) =>
    reshape(graph, transpose(graph, reshape(graph, x, from, false), [0, 2, 1]), to, false)
  const ins = rows / taps
  const unit = turns ? turned(identity, [ins, taps, columns], [ins, columns, ...shape.slice(2)]) : identity
  const places = attributes.shape as Shape
  const options = turns ? { ...attributes, shape: [places[0], rows, ...places.slice(2)] } : attributes
  // Without a bias, and with the unfolded input as its own gradient.
  const unfolded = graph.apply(operator, inputs.slice(0, weight + 1).with(weight, unit), options)
  const gradient = operator.gradient!(graph, graph.nodes.at(-1)!, unfolded)[weight]!
  return { identity, gram: turns ? turned(gradient, [ins, columns, taps], [rows, columns]) : gradient }
}
