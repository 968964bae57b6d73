/**
 * @file A network of an ONNX model in eight or four bits: weights as codes of grids, and where that is asked
 * for what is computed, too, by what it was on some samples.
 */
import { ModelEditor } from '../formats/onnx/edit.ts'
import { type OnnxFile, openModel } from '../formats/onnx/file.ts'
import type { ImportOptions } from '../formats/onnx/input.ts'
import type { OnnxNetwork } from '../formats/onnx/network.ts'
import { setSource } from '../formats/onnx/network-weights.ts'
import type { WeightCodes } from '../formats/onnx/quantize/codes.ts'
import { type QuantizedValues, quantizedValues } from '../formats/onnx/quantize/values.ts'
import { checkOpset, writeQuantized } from '../formats/onnx/quantize/write-quantized.ts'
import type { Network } from '../train/network.ts'
import { UserError } from '../util/errors.ts'
import { shiftOf } from './bias.ts'
import type { GridOptions } from './grid.ts'
import { type WeightPlace, weightPlaces } from './layers.ts'
import { channelMeans, histograms, type Observed } from './observe.ts'
import type { RangeOptions } from './ranges.ts'
import { type ValueGrid, type ValueType, valueGrid } from './value-grid.ts'
import { type QuantizedLayer, quantizeWeights, type WeightOptions } from './weights.ts'

export interface Quantizable {
  /** The model: without batch normalizations, which belong to their convolutions before. */
  file: OnnxFile
  reading: ImportOptions
  /** The same as a network that was read, on a machine, with the data that calibrate it. */
  read: Pick<OnnxNetwork, 'origins'>
  network: Network
}

export interface ActivationOptions extends RangeOptions {
  /** Default uint8. */
  type?: ValueType
  progress?(done: number, total: number): void
}

export interface QuantizeOptions {
  /** Samples as inputs of the model by name, a run each: for ranges of values and means. */
  runs?: Observed['runs']
  weights?: WeightOptions
  /** Names of the weights. Default: all that can be pruned. */
  names?: readonly string[]
  /**
   * How what is computed becomes whole: by its range on samples, or `dynamic`, the inputs of layers by their
   * own range in every run. Absent: only weights do.
   */
  activations?: ActivationOptions | 'dynamic'
}

/** A model some of whose layers are whole. */
export interface Assembled {
  /** In QDQ form. */
  file: OnnxFile
  /** How many values are whole on their way. */
  values: number
  notes: string[]
}

export interface Quantized {
  layers: QuantizedLayer[]
  /** Weights that stay floats in any case, each with the reason. */
  left: { name: string; reason: string }[]
  /** The model with the named layers in codes, and others in floats as they were. Default: all of them. */
  assemble(names?: ReadonlySet<string>): Assembled
}

/** Throws UserError where weights or values are not finite, or the model's operators are too old. */
export function quantize({ file, reading, read, network }: Quantizable, options: QuantizeOptions = {}): Quantized {
  checkFloat(file)
  checkOpset(file)
  const { names = network.prunable.map(({ name }) => name), weights = {}, activations, runs = [] } = options
  const { places, left } = weightPlaces(file, read, names)
  if (places.length === 0)
    throw new UserError(`${file.path}: no weight can be made whole numbers (${left[0]?.name}: ${left[0]?.reason})`)
  if (activations === 'dynamic' && weights.symmetric === false)
    throw new UserError('activations: dynamic goes with symmetric weights')
  const made = quantizeWeights(network, gridsFor(places, weights), weights)
  const layers = made.filter((layer) => activations === undefined || !leavesSums(layer))
  for (const { name } of made)
    if (!layers.some((layer) => layer.name === name))
      left.push({ name, reason: 'sums of its products may leave 32 bits' })
  const placeOf = (name: string) => places.find((place) => place.name === name)!
  const rounded: Observed = { machine: network.machine, file: withValues(file, read, layers), reading, runs }
  const corrects = weights.rounding === 'nearest' && runs.length > 0
  const means = corrects ? channelMeans(inputsOf(places), rounded) : undefined
  const codes = new Map(
    layers.map((layer) => {
      const place = placeOf(layer.name)
      const mean = means?.get(place.nodes[0].input[0])
      const shift = mean && shiftOf(layer, network.values(layer.name), mean)
      return [layer.name, { ...codesOf(place, layer), ...(shift && { shift }) }]
    }),
  )
  const chosen = (some?: ReadonlySet<string>) =>
    [...codes].flatMap(([name, one]) => ((some?.has(name) ?? true) ? [one] : []))
  if (activations === undefined || activations === 'dynamic')
    return { layers, left, assemble: (some) => ({ ...writeQuantized(file, chosen(some), activations), values: 0 }) }
  const valuesOf = (some: readonly WeightCodes[]): QuantizedValues =>
    quantizedValues(file, new Set(some.flatMap(({ nodes }) => nodes)))
  // Where some layers stay floats, others of these have grids of their own.
  const all = valuesOf(chosen()).values.map(({ name }) => name)
  const grids = gridsOf(all, rounded, activations)
  return {
    layers,
    left,
    assemble(some) {
      const values = valuesOf(chosen(some))
      return { ...writeQuantized(file, chosen(some), { values, grids }), values: values.values.length }
    },
  }
}

/** The largest sum of products: half of what 32 bits hold, and biases have a quarter. */
const MOST = 2 ** 30

/** Whether the sums of a layer's products with values of eight bits may leave 32 bits. */
function leavesSums({ grids, codes, matrix: { rows, columns } }: QuantizedLayer): boolean {
  const least = 2 ** (grids[0].bits - 1) * columns * 255
  if (least <= MOST) return false
  const zeros = grids.flatMap((grid) => Array.from(grid.zeros))
  const sums = new Float64Array(rows)
  codes.forEach((code, i) => {
    const row = Math.floor(i / columns)
    sums[row] += 255 * Math.abs(code - zeros[row])
  })
  return sums.some((sum) => sum > MOST)
}

/** Inputs that share a scale in four bits. */
const BLOCK = 32

/** The grids of weights by name. Runtimes multiply with four bits in products alone, in blocks of inputs. */
function gridsFor(places: readonly WeightPlace[], { bits, block = BLOCK, ...grid }: WeightOptions) {
  return new Map(
    places.map(({ name, nodes: [{ opType }] }): [string, GridOptions] => [
      name,
      bits === 4 && opType !== 'Conv' ? { ...grid, bits, block } : { ...grid, bits: 8 },
    ]),
  )
}

const WHOLE = /^(Dynamic)?(Quantize|Dequantize)Linear$|^QLinear|Integer$|NBits$/

/** Throws UserError where the model holds whole numbers already. */
export function checkFloat({ path, graph }: OnnxFile): void {
  const node = graph.node.find(({ opType }) => WHOLE.test(opType))
  if (node)
    throw new UserError(`${path} is quantized already: it has a ${node.opType} (${node.name || node.output[0]})`)
}

/** What goes into layers, and the axis of its channels. */
const inputsOf = (places: readonly WeightPlace[]) =>
  new Map(
    places.flatMap(({ nodes: [{ opType, input }] }) => [[input[0], opType === 'Conv' ? 'second' : 'last'] as const]),
  )

function gridsOf(
  names: readonly string[],
  rounded: Observed,
  { type = 'uint8', progress, ...range }: ActivationOptions,
): Map<string, ValueGrid> {
  const seen = histograms(names, { ...rounded, progress })
  return new Map([...seen].map(([name, histogram]) => [name, valueGrid(histogram.cover(range), type)]))
}

/** The model in floats, with the values of the codes for its weights. */
function withValues(file: OnnxFile, { origins }: Quantizable['read'], layers: readonly QuantizedLayer[]): OnnxFile {
  const editor = new ModelEditor(file)
  for (const { name, values, matrix } of layers) {
    const origin = origins.get(name)!
    setSource(editor, origin, { values, shape: matrix.shape }, file.stored.get(origin.source!.key)!().shape)
  }
  return openModel(editor.finish(), file.path, file.external)
}

/** Codes as rows of outputs, and where the file stores them. */
function codesOf(place: WeightPlace, { codes, grids, matrix }: QuantizedLayer): WeightCodes {
  const { key, axis, transposed, nodes } = place
  const [{ bits, block }] = grids
  return {
    key,
    bits,
    block,
    rows: matrix.rows,
    columns: matrix.columns,
    codes,
    scales: Float32Array.from(grids.flatMap(({ scales }) => Array.from(scales))),
    zeros: Int8Array.from(grids.flatMap(({ zeros }) => Array.from(zeros))),
    axis,
    transposed,
    nodes,
  }
}
