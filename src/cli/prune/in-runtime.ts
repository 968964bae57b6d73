/**
 * @file espalier prune --engine onnxruntime: layers of a model that does not run here, pruned by what ONNX
 * Runtime says goes into them.
 */
import type { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { openMachine } from '../../engine/machines/open.ts'
import { unmeasured } from '../../formats/measured.ts'
import { writeNetwork } from '../../formats/network-file.ts'
import { storedWeights } from '../../formats/onnx/weights.ts'
import { seenLayers } from '../../formats/onnxruntime/layers.ts'
import { readWeights, type WeightsFile } from '../../formats/weights-file.ts'
import { isTfliteName } from '../../formats/write-tflite.ts'
import { type MethodName, methods } from '../../methods/index.ts'
import { pruneInRuntime, type RuntimePruning } from '../../methods/layerwise/runtime-prune.ts'
import { drawnRuns } from '../../train/drawn-runs.ts'
import type { Metric } from '../../train/metric.ts'
import { judgeInRuntime } from '../../train/runtime-judge.ts'
import { RuntimeModel } from '../../train/runtime-model.ts'
import { UserError } from '../../util/errors.ts'
import { grouped, percent } from '../../util/format.ts'
import { version } from '../../util/version.ts'
import { withLastWordsUntil } from '../display/last-words.ts'
import { DISTANCES, isDistance, measuredRows } from '../display/measured.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { writtenJson, writtenLines } from '../display/written.ts'
import type { EvaluationData } from '../flags/data.ts'
import { guessWarning, preprocessingLines } from '../flags/data-report.ts'
import { flagName, givenFlags } from '../flags/given.ts'
import { flagMetadata } from '../flags/metadata.ts'
import { readMetric } from '../flags/metric.ts'
import { onnxOptions } from '../flags/onnx.ts'
import { wholeNumber } from '../flags/parse.ts'
import { importOptions } from '../flags/preprocessing.ts'
import { withRecurrence } from '../flags/recurrence.ts'
import { shareOf } from '../flags/sparsities.ts'
import { chooseWeights } from './choose-weights.ts'
import { endingOf } from './ending.ts'
import type { PruneFlags } from './settings.ts'
import { leftBehind, loadInputs } from './with-data.ts'

/** Flags that say nothing to it. */
const OTHERS = [
  'granularity',
  'record',
  'finetune',
  'flops',
  'sparsities',
  'refreshBn',
  'polish',
  'stages',
  'onCollapse',
  'model',
]
/** Samples where no number is asked for. */
const SAMPLES = 128
/** Test samples that the model is judged by, at most: each is a run of its own. */
const TESTED = 1000

/** Throws UserError, naming the flag, where a flag or the method asks for more than forward passes. */
export function checkRuntimeFlags(command: Command, { method, compare, data, out = '' }: PruneFlags): void {
  if (compare !== undefined) throw new UserError('--engine onnxruntime is for --method, found --compare')
  if (method === 'magnitude' || method === 'random')
    throw new UserError(`--method ${method} runs no network: expected no --engine`)
  if (method !== 'obc' && method !== 'sparsegpt')
    throw new UserError(
      `--engine onnxruntime computes forward passes alone, and --method ${method} needs gradients or graphs of the network: expected obc or sparsegpt`,
    )
  if (data === undefined) throw new UserError(`--method ${method} needs --data with a data set or a folder`)
  if (isTfliteName(out))
    throw new UserError(
      `--engine onnxruntime writes ONNX models: expected --out with a name that ends in .onnx, found ${out}`,
    )
  const given = givenFlags(command)
  const other = OTHERS.find((flag) => given.has(flag))
  if (other) throw new UserError(`${flagName(command, other)} has no effect with --engine onnxruntime`)
}

/** Prunes and writes. Throws UserError where the file is no ONNX model, or ONNX Runtime does not take it. */
export async function pruneWithRuntime(stored: WeightsFile, path: string, flags: PruneFlags & { out: string }) {
  const { onnx } = stored
  if (!onnx) throw new UserError(`--engine onnxruntime is for ONNX models, which ${path} is not`)
  const { scope, method } = flags
  if (scope !== 'global' && scope !== 'layerwise' && scope !== 'erk')
    throw new UserError(`--scope: expected layerwise or erk with --engine onnxruntime, found ${scope}`)
  const seed = wholeNumber('--seed', flags.seed, 0, 2 ** 32 - 1)
  const settings = flags as PruneFlags & { samples?: string; damp?: string }
  const metric = flags.metric === undefined ? undefined : await readMetric(flags.metric)
  const most = wholeNumber('--samples', `${settings.samples ?? SAMPLES}`, 1, 1e6)
  const runtime = await RuntimeModel.open(onnx.file, onnx.reading)
  const chosenMethods = [methods[flags.method as MethodName]]
  const inputs = await withRecurrence(runtime.model, onnx, (recurrence) =>
    loadInputs(stored, path, runtime.model, { ...flags, data: flags.data! }, chosenMethods, recurrence),
  )
  const { data } = inputs
  const samples = samplesOf(runtime, inputs, seed, most)
  const found = storedWeights(onnx.file)
  const { chosen } = chooseWeights(found, flags, path)
  const seen = new Set(seenLayers(onnx.file).layers.map(({ key }) => key))
  const started = performance.now()
  const options: RuntimePruning = {
    machine: await openMachine(),
    method: method === 'obc' ? 'obc' : 'sparsegpt',
    sparsity: shareOf(flags.sparsity ?? ''),
    scope: scope === 'layerwise' ? 'layerwise' : 'erk',
    keys: chosen.flatMap(({ key }) => (flags.include !== undefined || seen.has(key) ? [key] : [])),
    samples,
    ...(settings.damp !== undefined && { damp: Number(settings.damp) }),
  }
  const hint = (sentence: string) => {
    if (!flags.json) print(sentence)
  }
  const pruned = await withLastWordsUntil(leftBehind(flags), () => pruneInRuntime(onnx.file, options), hint)
  const seconds = (performance.now() - started) / 1000
  const facts = { method, scope, seed, pruned: pruned.layers.map(({ name }) => name).join(','), espalier: version() }
  const metadata = {
    ...unmeasured(onnx.file.metadata),
    ...flagMetadata(flags),
    ...Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)])),
  }
  const network = { weights: { tensors: new Map(), metadata }, onnx, changed: pruned.changes }
  const written = await writeNetwork(flags.out, network, onnxOptions(flags))
  const [dense, final] = await judged(runtime, flags.out, inputs, flags, metric)
  const ended = await endingOf({ path, file: stored, out: flags.out, flags, dense, final })
  const [size, kept] = (['size', 'kept'] as const).map((key) =>
    pruned.layers.reduce((sum, layer) => sum + layer[key], 0),
  )
  const engine = `onnxruntime-node ${pruned.version}`
  if (flags.json)
    return printJson({
      file: path,
      dataset: data.name,
      samples: samples.length,
      ...facts,
      layers: pruned.layers,
      prunable: { size, kept, sparsity: 1 - kept / size },
      reconstructions: pruned.reconstructions,
      untouched: pruned.left,
      dense,
      final,
      ...ended.json,
      guess: guessWarning(inputs),
      seconds,
      out: flags.out,
      ...writtenJson(written),
      notes: [...inputs.notes, ...(written.onnx?.notes ?? [])],
      engine,
    })
  for (const line of preprocessingLines(inputs, runtime.model)) print(line)
  print(
    `${path}: ${pruned.layers.length} tensors pruned by ${method} with ${grouped(samples.length)} runs of ${engine}, ${percent(1 - kept / size)} of their ${grouped(size)} weights are zero`,
  )
  for (const { name, error } of pruned.reconstructions) print(`  ${name}: outputs moved by ${percent(error)}`)
  for (const { key, reason } of pruned.left) print(`note: ${key} stays as it is: ${reason}`)
  const rows = measuredRows([dense, final])
  const tested = `${grouped(final.count)} test samples`
  print(`\n${markdownTable([[tested, 'dense', 'pruned'], ...rows], { align: ['l', 'r', 'r'] })}\n`)
  if (isDistance(final)) print(`${DISTANCES}\n`)
  const guess = guessWarning(inputs)
  if (guess) print(guess)
  for (const line of [...ended.lines, '']) print(line)
  for (const line of writtenLines(flags.out, written, flags)) print(line)
}

/** Training samples that are drawn by the seed, as inputs of runs. */
const samplesOf = (runtime: RuntimeModel, { data }: EvaluationData, seed: number, most: number) =>
  drawnRuns(data, { batch: runtime.batch, most, seed }).map((indices) => runtime.inputs(data, 'train', indices))

/** What the model was worth before and is worth in the file that was written, on some test samples. */
async function judged(dense: RuntimeModel, path: string, { data }: EvaluationData, flags: PruneFlags, metric?: Metric) {
  const { onnx } = await readWeights(path, importOptions(flags), printNote)
  const pruned = await RuntimeModel.open(onnx!.file, onnx!.reading)
  const { count } = data.test
  const most = Math.min(count, TESTED)
  const samples = Array.from({ length: most }, (_, n) => Math.floor((n * count) / most))
  const by = data.classes === undefined ? { dense } : {}
  const states = [
    await judgeInRuntime(dense, data, { ...by, samples, metric }),
    await judgeInRuntime(pruned, data, { ...by, samples, metric }),
  ]
  await Promise.all([dense.close(), pruned.close()])
  return states
}
