/** @file An ONNX model and samples for it: what of it becomes whole, and the model with that. */
import type { SampleSet } from '../data/dataset.ts'
import type { Machine } from '../engine/machine.ts'
import { type OnnxFile, openModel } from '../formats/onnx/file.ts'
import { foldBatchNorms } from '../formats/onnx/fold-batch-norm.ts'
import type { ImportOptions } from '../formats/onnx/input.ts'
import { runtimeNetwork } from '../formats/onnxruntime/sample-feeds.ts'
import { chooseTensors } from '../sparsity/tensors.ts'
import { fedSamples } from '../train/runtime-model.ts'
import { UserError } from '../util/errors.ts'
import { random } from '../util/random.ts'
import { openNetwork } from './network.ts'
import { type Quantized, quantize } from './quantize.ts'
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
}

/**
 * Calibrates a model on so many training samples as `weights.samples` says (default 1024, or all where there
 * are fewer), drawn by `weights.seed`. Nothing is written: `assemble` gives the model, which `onnxBytes` and
 * `writeFileSync` store. Throws UserError where the model does not run here, is whole already, has operators
 * before version 13, or gives values that are not finite.
 */
export function quantizeOnnx(
  { file: given, reading }: { file: OnnxFile; reading: ImportOptions },
  { machine, data, include, exclude, weights = {}, activations, progress = () => {} }: OnnxQuantization,
): QuantizedOnnx {
  const file = openModel(foldBatchNorms(given).model, given.path, given.external)
  const { read, network } = openNetwork(machine, file, reading, data)
  const names = chooseTensors(network.model, { prunable: 'all', include, exclude }).map(({ name }) => name)
  const quantized = quantize(
    { file, reading, read, network },
    {
      names,
      weights: { ...weights, progress: (layer, done, total) => progress(`weights of ${layer}`, (0.5 * done) / total) },
      activations:
        typeof activations === 'object'
          ? {
              ...activations,
              runs: runsOf(file, reading, data, weights),
              progress: (done, total) => progress('what is computed', 0.5 + (0.5 * done) / total),
            }
          : activations,
    },
  )
  return { ...quantized, file }
}

/** Training samples that are drawn by the seed, as inputs of runs. */
function runsOf(
  file: OnnxFile,
  reading: ImportOptions,
  data: SampleSet,
  { samples = 1024, seed = 0 }: Omit<WeightOptions, 'progress'>,
) {
  const { batch, feeds } = runtimeNetwork(file, reading)
  const { count } = data.train
  const runs = Math.floor(Math.min(samples, count) / batch)
  if (runs < 1) throw new UserError(`${file.path}: expected ${batch} training samples or more, found ${count}`)
  const order = random(seed, 'calibration images').permutation(count)
  return Array.from({ length: runs }, (_, run) =>
    feeds(fedSamples(data, 'train', [...order.subarray(run * batch, (run + 1) * batch)])),
  )
}
