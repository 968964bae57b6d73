/**
 * @file espalier prune with data: the network evaluated, pruned, where asked for trained again, evaluated
 * again and written.
 */
import { statSync } from 'node:fs'
import { readRecipe } from '../../experiment/recipe/recipe.ts'
import { checkNetwork, writeNetwork } from '../../formats/network-file.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { Method } from '../../methods/method.ts'
import type { Model } from '../../models/model.ts'
import { refuseCollapse } from '../../sparsity/collapse.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import { judgesByDistance } from '../../train/distance.ts'
import { statedPreprocessing } from '../../train/preprocessing.ts'
import { grouped } from '../../util/format.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { withLastWords } from '../display/last-words.ts'
import { asEvaluation, isDistance, measured, measuredText } from '../display/measured.ts'
import { print, printJson } from '../display/output.ts'
import { writtenJson, writtenLines, zerosLine } from '../display/written.ts'
import { type EvaluationData, loadEvaluationData } from '../flags/data.ts'
import { chanceWarning, guessWarning, preprocessingJson, preprocessingLines } from '../flags/data-report.ts'
import { flagMetadata, withoutGuess } from '../flags/metadata.ts'
import { readMetric } from '../flags/metric.ts'
import { recurrenceHere } from '../flags/recurrence.ts'
import { checkDistillation, distill } from './distill.ts'
import { type Ended, type Ending, endingOf } from './ending.ts'
import { finetune } from './finetune.ts'
import { worseThanGuessing } from './guessing.ts'
import { leftOutSentence } from './left-out.ts'
import { smallGroups } from './multiples.ts'
import { PruneDisplay } from './progress.ts'
import { quantizePruned, wholeJson, wholeText } from './quantize-pruned.ts'
import { writeRecord } from './record.ts'
import { bindingBudget, pruneCounts, pruneReport } from './report.ts'
import { type PruneFlags, pruneTask, writingOptions } from './settings.ts'
import { byFlag, described, prepare } from './work.ts'

/** The data of --data for a model. */
export async function loadInputs(
  file: WeightsFile,
  path: string,
  model: Model,
  flags: PruneFlags & { data: string },
  methods: readonly Method[],
  recurrence = recurrenceHere(file),
): Promise<EvaluationData> {
  const stated = statedPreprocessing(file.metadata, path, model.image[0])
  const loading = new DataDisplay()
  const { show: onProgress } = loading
  // Layer by layer nothing is asked for but inputs.
  const unlabelled = methods.every(({ section }) => section === 'layerwise')
  const options = { onProgress, unlabelled, recurrence }
  return loadEvaluationData(flags.data, model, stated, flags, options).finally(() => loading.stop())
}

/** What there is, and what there is not, where pruning is interrupted. */
export const leftBehind = ({ out, fisherCache }: PruneFlags): string =>
  `${out === undefined ? 'nothing' : `neither ${out} nor any other file`} is written before the end${fisherCache === undefined ? '' : `, but for gradients in ${fisherCache}`}`

/** What a search for targets hands over to the pruning itself. */
export interface Chosen {
  /** Sparsities by tensor. */
  sparsities: ReadonlyMap<string, number>
  /** How many channels stay, by group. */
  channels?: ReadonlyMap<string, number>
  inputs: EvaluationData
  /** What it says of the network that was written, beside its targets. */
  end(ending: Ending): Promise<Pick<Ended, 'lines' | 'json'>>
}

export async function pruneWithData(
  file: WeightsFile,
  path: string,
  model: Model,
  flags: PruneFlags & { data: string; out: string },
  chosen?: Chosen,
) {
  const task = pruneTask(flags, model, undefined, chosen)
  const options = writingOptions(flags)
  checkNetwork(flags.out, { weights: file, model, onnx: file.onnx }, options)
  const metric = flags.metric === undefined ? undefined : await readMetric(flags.metric)
  const recipe = flags.finetune === undefined ? undefined : readRecipe(flags.finetune)
  const inputs = chosen?.inputs ?? (await loadInputs(file, path, model, flags, [task.method]))
  const left = leftOutSentence(file.onnx, model)
  if (left) inputs.notes.push(left)
  inputs.notes.push(...smallGroups(task.request))
  if (recipe && judgesByDistance(model, inputs.data)) checkDistillation(recipe)
  const display = flags.json ? undefined : new PruneDisplay()
  try {
    const { network, settings, judged, ...prune } = await prepare(file, path, { flags, task, inputs, metric, display })
    if (display) {
      for (const line of preprocessingLines(inputs, model)) print(line)
      const sum = (tensors: readonly Tensor[]) => tensors.reduce((all, { shape }) => all + sizeOf(shape), 0)
      const { tensors } = task.request
      print(
        `${model.name}: pruning ${tensors.length} tensors, ${grouped(sum(tensors))} of ${grouped(sum(prunableTensors(model)))} weights of layers; engine: ${network.machine.description}`,
      )
    }
    const dense = withLastWords(
      leftBehind(flags),
      () => measured(network, metric),
      () => {},
    )
    const warning = isDistance(dense) ? undefined : chanceWarning(dense, model)
    if (!isDistance(dense)) display?.line(`dense: ${measuredText(dense)}`)
    if (warning) display?.line(warning)
    const outcome = withLastWords(leftBehind(flags), prune.run, (sentence) => display?.hint(sentence))
    const counts = pruneCounts(network, prune.names)
    if (task.onCollapse === 'error') refuseCollapse(counts.paths, task.sparsity)

    const facts = { ...flagMetadata(flags), ...described(task, settings) }
    const weights = weightsOf(network, facts)
    const trained =
      recipe &&
      (network.judgedByDistance
        ? await distill(network, { file, path }, recipe, { metric, display })
        : await finetune(weights, network, recipe, { out: flags.out, data: flags.data, model, metric, display }))
    const { pruned, refreshed = pruned, polished = refreshed } = outcome
    const final = trained?.evaluation ?? polished
    const result = { ...outcome, dense, ...counts, ...(trained && { finetuned: trained.evaluation }), final }
    const guessing = worseThanGuessing(result, task)
    const { tensors } = trained?.weights ?? weights
    const metadata = trained ? weights.metadata : withoutGuess(weights.metadata, inputs)
    const stored = { weights: { tensors, metadata }, model, onnx: file.onnx }
    const whole =
      flags.quantize === undefined
        ? undefined
        : await quantizePruned({ flags, path, file, model, inputs }, stored, options)
    const written = whole ? {} : await writeNetwork(flags.out, stored, options)
    if (whole) display?.line(wholeText(whole))
    if (flags.record !== undefined) {
      const recorded = { checkpoint: path, flags, task, settings, network, judged, outcome, counts }
      writeRecord(flags.record, { ...recorded, dense: asEvaluation(dense), final: asEvaluation(final) })
    }
    const ending = {
      path,
      file,
      model,
      out: flags.out,
      weights: stored.weights,
      flags,
      dense,
      final: whole?.final ?? final,
    }
    const ended = await (chosen?.end(ending) ?? endingOf(ending))
    if (!display) {
      return printJson({
        model: model.name,
        dataset: flags.data,
        method: task.name,
        scope: task.request.scope,
        sparsity: task.sparsity,
        flops: task.request.flops,
        ...(chosen && { sparsities: Object.fromEntries(chosen.sparsities) }),
        ...(chosen?.channels && { channels: Object.fromEntries(chosen.channels) }),
        seed: task.request.seed,
        ...byFlag(settings),
        ...ended.json,
        ...preprocessingJson(inputs),
        ...result,
        ...(whole && { quantized: wholeJson(whole) }),
        paths: undefined,
        warning: warning ?? guessing,
        deadOutputs: result.paths.deadOutputs,
        outputs: result.paths.outputs,
        out: flags.out,
        record: flags.record,
        bytes: statSync(flags.out).size,
        ...writtenJson(written),
        notes: [...inputs.notes, ...((written.onnx ?? written.tflite)?.notes ?? [])],
        engine: network.machine.description,
      })
    }
    display.stop()
    print(`\n${pruneReport(result)}\n`)
    const binding = bindingBudget(counts, task.request)
    for (const line of [binding, guessWarning(inputs), guessing]) if (line) print(`${line}\n`)
    for (const line of [...ended.lines, '']) print(line)
    if (written.onnx) print(zerosLine(written.onnx))
    for (const line of writtenLines(flags.out, written, flags)) print(line)
    if (flags.record !== undefined) print(`The record is in ${flags.record}`)
  } finally {
    display?.stop()
  }
}
