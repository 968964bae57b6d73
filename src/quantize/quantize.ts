/**
 * @file A network of an ONNX model in eight or four bits: weights as codes of grids, and where that is asked
 * for what is computed, too, by what it was on some samples.
 */
import { ModelEditor } from '../formats/onnx/edit.ts'
import { type OnnxFile, openModel } from '../formats/onnx/file.ts'
import type { ImportOptions } from '../formats/onnx/input.ts'
import type { OnnxNetwork } from '../formats/onnx/network.ts'
import { setSource } from '../formats/onnx/network-weights.ts'
import { type QuantizedValues, quantizedValues } from '../formats/onnx/quantize/values.ts'
import { checkOpset, type WeightCodes, writeQdq } from '../formats/onnx/quantize/write-qdq.ts'
import { transpose } from '../formats/onnx/value.ts'
import type { FedArray } from '../formats/onnxruntime/session.ts'
import type { Network } from '../train/network.ts'
import { UserError } from '../util/errors.ts'
import { type WeightPlace, weightPlaces } from './layers.ts'
import { histograms } from './observe.ts'
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
  /** Inputs of the model by name, a run each. */
  runs: readonly ReadonlyMap<string, FedArray>[]
  progress?(done: number, total: number): void
}

export interface QuantizeOptions {
  weights?: WeightOptions
  /** Names of the weights. Default: all that can be pruned. */
  names?: readonly string[]
  /** How what is computed becomes whole. Absent: only weights do. */
  activations?: ActivationOptions
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
  checkOpset(file)
  checkFloat(file)
  const { names = network.prunable.map(({ name }) => name), weights = {}, activations } = options
  const { places, left } = weightPlaces(file, read, names)
  if (places.length === 0)
    throw new UserError(`${file.path}: no weight can be made whole numbers (${left[0]?.name}: ${left[0]?.reason})`)
  const layers = quantizeWeights(
    network,
    places.map(({ name }) => name),
    weights,
  )
  const codes = new Map(layers.map((layer, i) => [layer.name, codesOf(places[i], layer)]))
  const valuesOf = (some: readonly WeightCodes[]): QuantizedValues =>
    activations ? quantizedValues(file, new Set(some.flatMap(({ nodes }) => nodes))) : { values: [], reads: [] }
  // Where some layers stay floats, others of these have grids of their own.
  const all = valuesOf([...codes.values()]).values.map(({ name }) => name)
  const grids = activations
    ? gridsOf(all, { file: withValues(file, read, layers), reading, network }, activations)
    : new Map()
  return {
    layers,
    left,
    assemble(some) {
      const chosen = [...codes].flatMap(([name, one]) => ((some?.has(name) ?? true) ? [one] : []))
      const values = valuesOf(chosen)
      return { ...writeQdq(file, chosen, values, grids), values: values.values.length }
    },
  }
}

const WHOLE = /^(Dynamic)?(Quantize|Dequantize)Linear$|^QLinear|Integer$|NBits$/

/** Throws UserError where the model holds whole numbers already. */
function checkFloat({ path, graph }: OnnxFile): void {
  const node = graph.node.find(({ opType }) => WHOLE.test(opType))
  if (node)
    throw new UserError(`${path} is quantized already: it has a ${node.opType} (${node.name || node.output[0]})`)
}

function gridsOf(
  names: readonly string[],
  { file, reading, network: { machine } }: Pick<Quantizable, 'file' | 'reading' | 'network'>,
  { type = 'uint8', runs, progress, ...range }: ActivationOptions,
): Map<string, ValueGrid> {
  const seen = histograms(names, { machine, file, reading, runs, progress })
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

/** Codes in the order in which the file stores them. */
function codesOf({ key, axis, transposed, nodes }: WeightPlace, { codes, grids, matrix }: QuantizedLayer): WeightCodes {
  const stored = transposed ? new Int8Array(codes.length) : codes
  if (transposed) transpose(codes, stored, matrix.shape[0], matrix.shape[1])
  return {
    key,
    codes: stored,
    scales: Float32Array.from(grids.flatMap(({ scales }) => Array.from(scales))),
    zeros: Int8Array.from(grids.flatMap(({ zeros }) => Array.from(zeros))),
    axis,
    nodes,
  }
}
