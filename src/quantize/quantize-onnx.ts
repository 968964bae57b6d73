/** @file An ONNX model and samples for it: what of it becomes whole, and the model with that. */
import type { SampleSet } from '../data/dataset.ts'
import type { Machine } from '../engine/machine.ts'
import { feedByName } from '../formats/onnx/feeds.ts'
import { type OnnxFile, openModel } from '../formats/onnx/file.ts'
import { foldBatchNorms } from '../formats/onnx/fold-batch-norm.ts'
import type { ImportOptions } from '../formats/onnx/input.ts'
import { shaped } from '../formats/onnx/model-inputs.ts'
import { raiseOpset } from '../formats/onnx/raise-opset.ts'
import { NetworkReader } from '../formats/onnx/read-network.ts'
import { runtimeNetwork } from '../formats/onnxruntime/sample-feeds.ts'
import { Graph } from '../graph/graph.ts'
import type { Shape } from '../graph/tensor.ts'
import { chooseTensors } from '../sparsity/tensors.ts'
import { drawnRuns } from '../train/drawn-runs.ts'
import { fedSamples } from '../train/runtime-model.ts'
import { openNetwork } from './network.ts'
import { checkFloat, type Quantized, quantize } from './quantize.ts'
import type { RangeOptions } from './ranges.ts'
import type { ValueType } from './value-grid.ts'
import type { WeightOptions } from './weights.ts'

export interface OnnxQuantization {
  machine: Machine
  /** Its training samples calibrate. */
  data: SampleSet
  /** Patterns of the weights' names, `*` for any characters. Default: all of layers. */
  include?: readonly string[]
  exclude?: readonly string[]
  weights?: Omit<WeightOptions, 'progress'>
  /**
   * How what is computed becomes whole; `dynamic`: inputs of layers in every run. Absent: only weights do.
   */
  activations?: (RangeOptions & { type?: ValueType }) | 'dynamic'
  progress?(what: string, share: number): void
}

/** What {@link quantizeOnnx} gives. */
export interface QuantizedOnnx extends Quantized {
  /** The model in floats, whose batch normalizations belong to their convolutions. */
  file: OnnxFile
  /** What had to change besides, in sentences. */
  notes: string[]
}

/**
 * Calibrates a model on so many training samples as `weights.samples` says (default 1024, or all where there
 * are fewer), drawn by `weights.seed`. Nothing is written: `assemble` gives the model, which `onnxBytes` and
 * `writeFileSync` store. Throws UserError where the model does not run here, is whole already, has operators
 * that cannot be raised to version 13, or gives values that are not finite.
 */
export function quantizeOnnx(
  { file: given, reading }: { file: OnnxFile; reading: ImportOptions },
  { machine, data, include, exclude, weights = {}, activations, progress = () => {} }: OnnxQuantization,
): QuantizedOnnx {
  checkFloat(given)
  const raised = raiseOpset(given, shapesOf(given, reading))
  const file = openModel(foldBatchNorms(raised).model, given.path, given.external)
  const { read, network } = openNetwork(machine, file, reading, data)
  const names = chooseTensors(network.model, { prunable: 'all', include, exclude }).map(({ name }) => name)
  const quantized = quantize(
    { file, reading, read, network },
    {
      names,
      runs:
        typeof activations === 'object' || weights.rounding === 'nearest' ? runsOf(file, reading, data, weights) : [],
      weights: { ...weights, progress: (layer, done, total) => progress(`weights of ${layer}`, (0.5 * done) / total) },
      activations:
        typeof activations === 'object'
          ? {
              ...activations,
              progress: (done, total) => progress('what is computed', 0.5 + (0.5 * done) / total),
            }
          : activations,
    },
  )
  const notes =
    raised === given ? [] : [`operators of version ${given.opset} of ONNX are those of version ${raised.opset} now`]
  return { ...quantized, file, notes }
}

/** Shapes of a model's values, in a run of as many samples as it is written for, where it runs here. */
function shapesOf(file: OnnxFile, reading: ImportOptions): (name: string) => Shape | undefined {
  let shapes: ((name: string) => Shape | undefined) | undefined
  return (name) => {
    shapes ??= foundShapes(file, reading)
    return shapes(name)
  }
}

function foundShapes(file: OnnxFile, reading: ImportOptions): (name: string) => Shape | undefined {
  const reader = new NetworkReader(file, reading)
  const batch = reader.fixedBatch ?? 1
  const graph = new Graph()
  const fed = feedByName(graph, shaped(reader.inputs, batch, reading, file.path), batch)
  const { values } = reader.translate(graph, fed, { training: false, outputs: reader.ending.outputs })
  return (name) => values.get(name)?.shape
}

/** Training samples that are drawn by the seed, as inputs of runs. */
function runsOf(
  file: OnnxFile,
  reading: ImportOptions,
  data: SampleSet,
  { samples = 1024, seed = 0 }: Omit<WeightOptions, 'progress'>,
) {
  const { batch, feeds } = runtimeNetwork(file, reading)
  const runs = drawnRuns(data, { batch, most: samples, seed })
  return runs.map((indices) => feeds(fedSamples(data, 'train', indices)))
}
