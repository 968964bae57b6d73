/** @file A network calibrated on data, made whole numbers, judged on the test samples and written. */
import type { SampleSet } from '../../data/dataset.ts'
import type { Machine } from '../../engine/machine.ts'
import { asOnnx, type StoredNetwork } from '../../formats/network-source.ts'
import { type OnnxFile, openModel } from '../../formats/onnx/file.ts'
import { foldBatchNorms } from '../../formats/onnx/fold-batch-norm.ts'
import type { ImportOptions } from '../../formats/onnx/input.ts'
import { withMetadata } from '../../formats/onnx/rewrite.ts'
import { runtimeNetwork } from '../../formats/onnxruntime/sample-feeds.ts'
import { type Assembled, type Quantized, quantize } from '../../quantize/quantize.ts'
import { chooseTensors } from '../../sparsity/tensors.ts'
import type { Metric } from '../../train/metric.ts'
import { fedSamples } from '../../train/runtime-model.ts'
import { UserError } from '../../util/errors.ts'
import { random } from '../../util/random.ts'
import { version } from '../../util/version.ts'
import type { Measured } from '../display/measured.ts'
import { patterns } from '../flags/choices.ts'
import type { QuantizeSettings } from './flags.ts'
import { Judge, openNetwork, testJudges, trainingJudges } from './networks.ts'
import { type Within, wholeWithin } from './within-drop.ts'
import { writeJudged } from './write.ts'

export interface QuantizeTask {
  /** What messages call the network. */
  path: string
  stored: StoredNetwork
  data: SampleSet
  settings: QuantizeSettings
  out: string
  machine: Machine
  metric?: Metric
  /** From which network distances are. Default: the one that is quantized. */
  from?: OnnxFile
  show(what: string, share: number): void
}

export interface QuantizeOutcome {
  quantized: Quantized
  /** Where a drop was allowed. */
  within?: Within
  made: Assembled
  dense: Measured
  final: Measured
}

/** Throws UserError, and writes nothing, where the network cannot be quantized. */
export function quantizeAndWrite(task: QuantizeTask): QuantizeOutcome {
  const { path, stored, data, settings, out, machine, metric, show } = task
  const source = asOnnx(path, stored)
  const file = openModel(foldBatchNorms(source).model, path, source.external)
  const reading = stored.onnx?.reading ?? {}
  const { read, network } = openNetwork(machine, file, reading, data)
  const { include, exclude, maxDrop, judges, seed, weights, activations } = settings
  const chosen = { prunable: 'all', include: patterns(include), exclude: patterns(exclude) } as const
  const quantized = quantize(
    { file, reading, read, network },
    {
      names: chooseTensors(network.model, chosen).map(({ name }) => name),
      weights: { ...weights, progress: (layer, done, total) => show(`weights of ${layer}`, (0.5 * done) / total) },
      activations:
        typeof activations === 'object'
          ? {
              ...activations,
              runs: runsOf(file, reading, data, weights),
              progress: (done, total) => show('what is computed', 0.5 + (0.5 * done) / total),
            }
          : activations,
    },
  )
  const within =
    maxDrop === undefined
      ? undefined
      : wholeWithin(quantized, {
          judge: new Judge(machine, trainingJudges(data, judges, seed), reading),
          file,
          most: maxDrop,
          progress: show,
        })
  const made = quantized.assemble(within?.whole)
  const facts = factsOf(settings, within?.whole.size ?? quantized.layers.length)
  const proto = withMetadata(made.file.proto, { ...source.metadata, ...facts })
  const judge = new Judge(machine, testJudges(data), reading, metric)
  if (task.from) judge.measure(task.from)
  const dense = judge.measure(file)
  const final = writeJudged(out, proto, (written) => judge.measure(written))
  return { quantized, within, made, dense, final }
}

/** Training samples that are drawn by the seed, as inputs of runs. */
function runsOf(
  file: OnnxFile,
  reading: ImportOptions,
  data: SampleSet,
  { samples, seed }: QuantizeSettings['weights'],
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

/** What the file says of how it was made. */
export const factsOf = (
  { weights: { bits, rounding, samples, seed }, activations }: QuantizeSettings,
  layers: number,
): Record<string, string> => {
  const values = typeof activations === 'object' ? activations.type : (activations ?? 'float')
  return {
    quantized: `weights int${bits} by ${rounding}, activations ${values}, ${layers} layers`,
    calibration: `${samples} samples, seed ${seed}`,
    espalier: version(),
  }
}
