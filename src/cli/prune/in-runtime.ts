/**
 * @file espalier prune --engine onnxruntime: layers of a model that does not run here, pruned by what ONNX
 * Runtime says goes into them.
 */
import type { Command } from 'commander'
import { openMachine } from '../../engine/machines/open.ts'
import { writeNetwork } from '../../formats/network-file.ts'
import type { OnnxModel } from '../../formats/onnx/onnx.ts'
import { storedWeights } from '../../formats/onnx/weights.ts'
import { seenLayers } from '../../formats/onnxruntime/layers.ts'
import { runtimeNetwork } from '../../formats/onnxruntime/sample-feeds.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { type MethodName, methods } from '../../methods/index.ts'
import { pruneInRuntime, type RuntimePruning } from '../../methods/layerwise/runtime-prune.ts'
import { UserError } from '../../util/errors.ts'
import { grouped, percent } from '../../util/format.ts'
import { random } from '../../util/random.ts'
import { version } from '../../util/version.ts'
import { withLastWordsUntil } from '../display/last-words.ts'
import { print, printJson } from '../display/output.ts'
import { writtenJson, writtenLines } from '../display/written.ts'
import type { EvaluationData } from '../flags/data.ts'
import { flagName, givenFlags } from '../flags/given.ts'
import { flagMetadata } from '../flags/metadata.ts'
import { onnxOptions } from '../flags/onnx.ts'
import { wholeNumber } from '../flags/parse.ts'
import { chooseWeights } from './choose-weights.ts'
import { type PruneFlags, shareOf } from './settings.ts'
import { leftBehind, loadInputs } from './with-data.ts'

/** Flags that say nothing to it. */
const OTHERS = ['record', 'finetune', 'flops', 'sparsities', 'refreshBn', 'polish', 'stages', 'onCollapse', 'model']
/** Samples where no number is asked for. */
const SAMPLES = 128

/** Throws UserError, naming the flag, where a flag or the method asks for more than forward passes. */
export function checkRuntimeFlags(command: Command, { method, compare, data }: PruneFlags): void {
  if (compare !== undefined) throw new UserError('--engine onnxruntime is for --method, found --compare')
  if (method === 'magnitude' || method === 'random')
    throw new UserError(`--method ${method} runs no network: expected no --engine`)
  if (method !== 'obc' && method !== 'sparsegpt')
    throw new UserError(
      `--engine onnxruntime computes forward passes alone, and --method ${method} needs gradients or graphs of the network: expected obc or sparsegpt`,
    )
  if (data === undefined) throw new UserError(`--method ${method} needs --data with a data set or a folder`)
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
  const { data, samples } = await samplesOf(
    onnx,
    stored,
    path,
    flags,
    seed,
    wholeNumber('--samples', `${settings.samples ?? SAMPLES}`, 1, 1e6),
  )
  const found = storedWeights(onnx.file)
  const { chosen } = chooseWeights(found, flags, path)
  const seen = new Set(seenLayers(onnx.file).layers.map(({ key }) => key))
  const started = performance.now()
  const options: RuntimePruning = {
    machine: await openMachine(),
    method: method === 'obc' ? 'obc' : 'sparsegpt',
    sparsity: shareOf(flags.sparsity),
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
    ...onnx.file.metadata,
    ...flagMetadata(flags),
    ...Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)])),
  }
  const network = { weights: { tensors: new Map(), metadata }, onnx, changed: pruned.changes }
  const written = await writeNetwork(flags.out, network, onnxOptions(flags))
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
      seconds,
      out: flags.out,
      ...writtenJson(written),
      engine,
    })
  print(
    `${path}: ${pruned.layers.length} tensors pruned by ${method} with ${grouped(samples.length)} runs of ${engine}, ${percent(1 - kept / size)} of their ${grouped(size)} weights are zero`,
  )
  for (const { name, error } of pruned.reconstructions) print(`  ${name}: outputs moved by ${percent(error)}`)
  for (const { key, reason } of pruned.left) print(`note: ${key} stays as it is: ${reason}`)
  for (const line of writtenLines(flags.out, written, flags)) print(line)
}

/** Training samples that are drawn by the seed, as inputs of runs. */
async function samplesOf(
  { file, reading }: OnnxModel,
  stored: WeightsFile,
  path: string,
  flags: PruneFlags,
  seed: number,
  most: number,
): Promise<{ data: EvaluationData['data']; samples: RuntimePruning['samples'] }> {
  const { model, batch, feeds } = runtimeNetwork(file, reading)
  const { data } = await loadInputs(stored, path, model, { ...flags, data: flags.data! }, [
    methods[flags.method as MethodName],
  ])
  const size = sizeOf(model.image)
  const { count, images } = data.train
  const runs = Math.floor(Math.min(most, count) / batch)
  if (runs < 1) throw new UserError(`${data.name} has ${count} training samples, expected ${batch} or more`)
  const order = random(seed, 'calibration images').permutation(count)
  const plane = sizeOf(model.image.slice(1))
  const samples = Array.from({ length: runs }, (_, run) => {
    const values = new Float32Array(batch * size)
    for (let n = 0; n < batch; n++) {
      const at = order[run * batch + n] * size
      for (let i = 0; i < size; i++) {
        const channel = Math.floor(i / plane)
        values[n * size + i] =
          images instanceof Uint8Array
            ? (images[at + i] / 255 - data.mean[channel]) / data.std[channel]
            : images[at + i]
      }
    }
    return feeds(values)
  })
  return { data, samples }
}
