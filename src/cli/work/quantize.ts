/** @file The work of espalier quantize: calibrated, made whole, judged and written. */
import { renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Command } from 'commander'
import type { SampleSet } from '../../data/dataset.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { asOnnx } from '../../formats/network-source.ts'
import { encodeModel } from '../../formats/onnx/encode.ts'
import { type OnnxFile, openModel, parseOnnx } from '../../formats/onnx/file.ts'
import { foldBatchNorms } from '../../formats/onnx/fold-batch-norm.ts'
import type { ImportOptions } from '../../formats/onnx/input.ts'
import { withMetadata } from '../../formats/onnx/rewrite.ts'
import { runtimeNetwork } from '../../formats/onnxruntime/sample-feeds.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { quantize } from '../../quantize/quantize.ts'
import { chooseTensors } from '../../sparsity/tensors.ts'
import { statedPreprocessing } from '../../train/preprocessing.ts'
import { fedSamples } from '../../train/runtime-model.ts'
import { UserError } from '../../util/errors.ts'
import { readBytes, writeAtomically } from '../../util/files.ts'
import { grouped, percent } from '../../util/format.ts'
import { random } from '../../util/random.ts'
import { version } from '../../util/version.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { withLastWordsUntil } from '../display/last-words.ts'
import { DISTANCES, isDistance } from '../display/measured.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { WaitDisplay } from '../display/wait.ts'
import { patterns } from '../flags/choices.ts'
import { loadEvaluationData } from '../flags/data.ts'
import { chanceWarning, guessWarning, preprocessingJson, preprocessingLines } from '../flags/data-report.ts'
import { flagMetadata } from '../flags/metadata.ts'
import { readMetric } from '../flags/metric.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { checkOutput } from '../flags/output-file.ts'
import { importOptions } from '../flags/preprocessing.ts'
import { recurrenceHere } from '../flags/recurrence.ts'
import { endingOf } from '../prune/ending.ts'
import { type QuantizeFlags, quantizeSettings } from '../quantize/flags.ts'
import { Judge, openNetwork, testJudges, trainingJudges } from '../quantize/networks.ts'
import { wholeWithin } from '../quantize/within-drop.ts'

export async function quantizeFile(given: string, flags: QuantizeFlags, command: Command): Promise<void> {
  const settings = quantizeSettings(flags, command)
  const path = weightsPath(given)
  checkOutput(flags.out, { inputs: [path], force: flags.force })
  const metric = flags.metric === undefined ? undefined : await readMetric(flags.metric)
  const stored = await readWeights(path, importOptions(flags), printNote)
  const { model, file } = namedNetwork(stored, path, flags.model)
  const stated = statedPreprocessing(file.metadata, path, model.image[0])
  const loading = new DataDisplay()
  const inputs = await loadEvaluationData(flags.data, model, stated, flags, {
    onProgress: loading.show,
    unlabelled: true,
    recurrence: recurrenceHere(stored),
  }).finally(() => loading.stop())
  const { data } = inputs
  const metadata = { ...file.metadata, ...flagMetadata(flags) }
  const named = { weights: { tensors: file.tensors, metadata }, model, onnx: file.onnx }
  const source = asOnnx(path, named)
  const folded = openModel(foldBatchNorms(source).model, path, source.external)
  const reading = file.onnx?.reading ?? {}
  const machine = await openMachine()
  const display = new WaitDisplay()
  const show = (what: string, share: number) => {
    if (!flags.json) display.show(what, { share })
  }

  const work = async () => {
    const { read, network } = openNetwork(machine, folded, reading, data)
    const { include, exclude } = { include: patterns(flags.include), exclude: patterns(flags.exclude) }
    const names = chooseTensors(network.model, { prunable: 'all', include, exclude }).map(({ name }) => name)
    const quantized = quantize(
      { file: folded, reading, read, network },
      {
        names,
        weights: {
          ...settings.weights,
          progress: (layer, done, total) => show(`weights of ${layer}`, (0.5 * done) / total),
        },
        ...(settings.activations && {
          activations: {
            ...settings.activations,
            runs: runsOf(folded, reading, data, flags),
            progress: (done, total) => show('what is computed', 0.5 + (0.5 * done) / total),
          },
        }),
      },
    )
    const within =
      flags.maxDrop === undefined
        ? undefined
        : wholeWithin(quantized, {
            judge: new Judge(machine, trainingJudges(data, flags.judges, flags.seed), reading),
            file: folded,
            most: flags.maxDrop,
            progress: show,
          })
    const made = quantized.assemble(within?.whole)
    const facts = factsOf(flags, within?.whole.size ?? quantized.layers.length)
    const proto = withMetadata(made.file.proto, { ...metadata, ...facts })
    const judge = new Judge(machine, testJudges(data), reading, metric)
    const dense = judge.measure(folded)
    const final = write(flags.out, proto, (written) => judge.measure(written))
    return { quantized, within, made, dense, final }
  }
  const hint = (sentence: string) => {
    if (!flags.json) print(sentence)
  }
  const { quantized, within, made, dense, final } = await withLastWordsUntil(
    `${flags.out} is not written before the end`,
    work,
    hint,
  ).finally(() => display.stop())
  const ended = await endingOf({ path, file: stored, model, out: flags.out, flags, dense, final })
  const { layers, left } = quantized
  const floats = [
    ...left,
    ...(within?.floats ?? []).map(({ name, loss }) => ({
      name,
      reason: `with it alone whole the loss is ${loss.toFixed(4)}`,
    })),
  ]
  const whole = layers.filter(({ name }) => within?.whole.has(name) ?? true)
  const warning = isDistance(dense) ? undefined : chanceWarning(dense, model)
  if (flags.json)
    return printJson({
      file: path,
      dataset: data.name,
      ...factsOf(flags, whole.length),
      layers: whole.map(({ name, error }) => ({ name, error })),
      floats,
      values: made.values,
      dense,
      final,
      ...ended.json,
      ...preprocessingJson(inputs),
      warning,
      guess: guessWarning(inputs),
      out: flags.out,
      notes: [...inputs.notes, ...made.notes],
      engine: machine.description,
    })
  for (const line of preprocessingLines(inputs, model)) print(line)
  const weights = whole.reduce((sum, { codes }) => sum + codes.length, 0)
  const values = settings.activations
    ? `, ${grouped(made.values)} values on the way in ${settings.activations.type}`
    : ''
  print(`${model.name}: ${grouped(weights)} weights of ${whole.length} layers in ${flags.weights}${values}`)
  for (const { name, error } of worstOf(whole)) print(`  ${name}: outputs moved by ${percent(error)}`)
  for (const { name, reason } of floats) print(`note: ${name} stays in floats: ${reason}`)
  for (const note of made.notes) print(`note: ${note}`)
  if (warning) print(warning)
  const guess = guessWarning(inputs)
  if (guess) print(guess)
  print('')
  for (const line of [...ended.lines, '']) print(line)
  if (isDistance(final)) print(`${DISTANCES}\n`)
  print(`The model is in ${flags.out}`)
}

/** Layers whose outputs moved most, of the inputs that they get. */
const SHOWN = 5
const worstOf = <T extends { error: number }>(layers: readonly T[]): T[] =>
  layers.toSorted((a, b) => b.error - a.error).slice(0, SHOWN)

/** Training samples that are drawn by the seed, as inputs of runs. */
function runsOf(file: OnnxFile, reading: ImportOptions, data: SampleSet, { samples, seed }: QuantizeFlags) {
  const { batch, feeds } = runtimeNetwork(file, reading)
  const { count } = data.train
  const runs = Math.floor(Math.min(samples, count) / batch)
  if (runs < 1) throw new UserError(`${file.path}: expected ${batch} training samples or more, found ${count}`)
  const order = random(seed, 'calibration images').permutation(count)
  return Array.from({ length: runs }, (_, run) =>
    feeds(fedSamples(data, 'train', [...order.subarray(run * batch, (run + 1) * batch)])),
  )
}

const factsOf = (
  { weights, activations, rounding, samples, seed }: QuantizeFlags,
  layers: number,
): Record<string, string> => ({
  quantized: [weights, activations ?? (weights === 'int4' ? 'float' : 'uint8'), rounding, `${layers} layers`].join(
    ', ',
  ),
  calibration: `${samples} samples, seed ${seed}`,
  espalier: version(),
})

/** Writes a model under another name, lets it be judged as it was written, and gives it its name. */
function write<T>(path: string, proto: OnnxFile['proto'], judge: (written: OnnxFile) => T): T {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.checked`)
  try {
    const parts = encodeModel(proto)
    writeAtomically(temporary, parts, path)
    const written = parseOnnx(readBytes(temporary), path)
    const found = judge(written)
    renameSync(temporary, path)
    return found
  } finally {
    rmSync(temporary, { force: true })
  }
}
