/** @file A network calibrated on data, made whole numbers, judged on the test samples and written. */
import type { SampleSet } from '../../data/dataset.ts'
import type { Machine } from '../../engine/machine.ts'
import { asOnnx, type StoredNetwork } from '../../formats/network-source.ts'
import type { OnnxFile } from '../../formats/onnx/file.ts'
import { withMetadata } from '../../formats/onnx/rewrite.ts'
import type { Assembled } from '../../quantize/quantize.ts'
import { type QuantizedOnnx, quantizeOnnx } from '../../quantize/quantize-onnx.ts'
import type { Metric } from '../../train/metric.ts'
import { version } from '../../util/version.ts'
import type { Measured } from '../display/measured.ts'
import { patterns } from '../flags/choices.ts'
import type { QuantizeSettings } from './flags.ts'
import { Judge, testJudges, trainingJudges } from './networks.ts'
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
  quantized: QuantizedOnnx
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
  const reading = stored.onnx?.reading ?? {}
  const { include, exclude, maxDrop, judges, seed, weights, activations } = settings
  const quantized = quantizeOnnx(
    { file: source, reading },
    { machine, data, include: patterns(include), exclude: patterns(exclude), weights, activations, progress: show },
  )
  const { file } = quantized
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
