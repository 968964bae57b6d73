/**
 * @file espalier prune --target-ms, --target-kb, --target-flops: levels of sparsity are measured tensor by
 * tensor, chosen so that the targets are met with the least loss, and the network is pruned to them.
 */
import { join } from 'node:path'
import type { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { type StoredForm, storedForms, storedSize } from '../../figures/figures.ts'
import { brotliBytes } from '../../formats/brotli.ts'
import { checkNetwork, type StoredNetwork, writeNetwork } from '../../formats/network-file.ts'
import { isOnnxName } from '../../formats/onnx/file.ts'
import type { TensorFile } from '../../formats/safetensors.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { methods } from '../../methods/index.ts'
import type { Model } from '../../models/model.ts'
import { patternOf } from '../../sparsity/granularity/index.ts'
import { costOf, weightCosts } from '../../sparsity/multiply-adds.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'
import { type Chosen, chooseSparsities } from '../../target/choose.ts'
import { levelsFor } from '../../target/levels.ts'
import type { Targets } from '../../target/search.ts'
import type { TensorLevels } from '../../target/tensor-levels.ts'
import { shareOf } from '../../target/trials.ts'
import { UserError } from '../../util/errors.ts'
import { readBytes } from '../../util/files.ts'
import { bytes, grouped, percent } from '../../util/format.ts'
import { inTemporaryFolder } from '../../util/temporary-folder.ts'
import { lastWords } from '../display/last-words.ts'
import { print } from '../display/output.ts'
import { oneOf } from '../flags/choices.ts'
import { flagName, givenFlags } from '../flags/given.ts'
import { onnxOptions } from '../flags/onnx.ts'
import { type Ending, endingOf, ms, type TargetCells } from './ending.ts'
import { LEVELS_LEFT, trialsOf } from './levels.ts'
import { PruneDisplay } from './progress.ts'
import { runtimeFlag, timingOf } from './runtime.ts'
import { methodFor, methodName, type PruneFlags, pruneTask, writingOptions } from './settings.ts'
import { TARGET_FLAGS, targetFlag } from './target-flags.ts'
import { pruneUnitsToTarget } from './units-to-target.ts'
import { loadInputs, pruneWithData } from './with-data.ts'

/** What levels of single tensors decide in their place. */
const DECIDED = ['scope', 'sparsities', 'flops'] as const

/** Throws UserError where a flag says something that a target leaves no room for, or that it needs. */
export function checkTargetFlags(command: Command, target: string, flags: PruneFlags): void {
  const { compare, data, engine, out } = flags
  const given = givenFlags(command)
  for (const flag of DECIDED)
    if (given.has(flag))
      throw new UserError(
        `${flagName(command, flag)} has no effect with ${target}, which gives every tensor a level of its own`,
      )
  if (compare !== undefined) throw new UserError(`${target} is for one --method, found --compare`)
  if (data === undefined) throw new UserError(`${target} needs --data with a data set or a folder`)
  if (engine === 'onnxruntime') throw new UserError(`${target} needs --engine espalier, found onnxruntime`)
  checkGranularity(target, flags)
  if (removesChannels(flags)) {
    if (given.has('stored') && !given.has('targetKb')) throw new UserError('--stored is for --target-kb')
    if (storedForm(flags.stored ?? 'dense') === 'sparse')
      throw new UserError('--stored sparse: ONNX files hold all values, zeros too: expected dense or brotli')
  } else checkStored(given, out ?? '', flags)
}

/** Throws UserError where the form that `--target-kb` is about is not that of the file. */
function checkStored(given: ReadonlySet<string>, out: string, { stored }: PruneFlags): void {
  if (!given.has('targetKb')) {
    if (given.has('stored')) throw new UserError('--stored is for --target-kb')
    return
  }
  const form = storedForm(stored)
  const onnx = isOnnxName(out)
  if (!onnx && !/\.safetensors$/i.test(out))
    throw new UserError(
      `--target-kb: expected --out with a name that ends in .safetensors or .onnx, found ${out}; espalier convert writes other formats afterwards`,
    )
  if (onnx && form === 'sparse')
    throw new UserError(
      '--target-kb: ONNX files hold all values, zeros too: expected --stored brotli, --granularity channel, or --out with a name that ends in .safetensors',
    )
  if (form === 'dense')
    throw new UserError(
      '--stored dense: a file of all values is no smaller for zeros: expected --granularity channel, or --stored sparse or brotli',
    )
}

const storedForm = (stored = 'sparse'): StoredForm => oneOf('--stored', stored, storedForms)

/** Whether whole channels may go. */
const removesChannels = ({ granularity }: PruneFlags) => granularity === 'channel' || granularity === 'auto'

/** Throws UserError, naming the flag. */
function checkGranularity(target: string, flags: PruneFlags): void {
  const { granularity = 'weight', method, runtime, out, multipleOf, compact } = flags
  const known = ['weight', 'channel', 'auto', 'block8'].includes(granularity) || patternOf(granularity)
  if (!known)
    throw new UserError(
      `--granularity: expected weight, channel, auto, block8 or N:M such as 2:4 with ${target}, found ${granularity}`,
    )
  if (granularity !== 'weight' && !methods[methodName(method!)].ranked)
    throw new UserError(
      `--granularity ${granularity} with ${target} is for methods that rank weights by scores, such as magnitude or snip, found ${method}`,
    )
  if (multipleOf !== undefined && !removesChannels(flags) && !compact)
    throw new UserError('--multiple-of is for --granularity channel or auto, and for --compact')
  if (removesChannels(flags) && !isOnnxName(out ?? ''))
    throw new UserError(
      `--granularity ${granularity} with ${target} writes a smaller network: expected --out with a name that ends in .onnx, found ${out}`,
    )
  if (runtime === 'onnxruntime' && !removesChannels(flags))
    throw new UserError(
      `--runtime onnxruntime multiplies with zeros, too, so that --granularity ${granularity} saves no time there: expected channel or auto`,
    )
}

type Flags = PruneFlags & { data: string; out: string }

export async function pruneToTarget(file: WeightsFile, path: string, model: Model, flags: Flags): Promise<void> {
  checkNetwork(flags.out, { weights: file, model, onnx: file.onnx }, writingOptions(flags))
  const targets = targetsOf(flags)
  const maxDrop = positive('--max-drop', flags.maxDrop)
  const form = storedForm(flags.stored)
  const name = methodName(flags.method!)
  const method = methodFor(name, flags)
  if (!method.sparsities)
    throw new UserError(
      `${targetFlag(flags)}: ${name} knows one sparsity for all tensors only, and cannot be told levels`,
    )
  if (targets.milliseconds === undefined) {
    const stray = runtimeFlag(flags)
    if (stray !== undefined) throw new UserError(`${stray} is for --target-ms`)
  }
  if (removesChannels(flags)) return pruneUnitsToTarget(file, path, model, flags, { targets, maxDrop })
  const given = { ...flags, sparsity: '0', scope: 'layerwise' }
  const task = pruneTask(given, model)
  const setting = flags.targetMs === undefined ? undefined : await timingOf(flags)
  const inputs = await loadInputs(file, path, model, flags, [method])
  const display = flags.json ? undefined : new PruneDisplay()
  try {
    const limits = { ...targets, drop: maxDrop }
    const choice = await choose({ file, path, model, task, inputs, limits, form, timing: setting, flags }, display)
    if (display) print(`\n${levelTable(choice.tensors, choice.levels)}\n`)
    const { sparsities, yardstick } = choice
    const end = async (ending: Ending) => {
      const ended = await endingOf(
        setting ? { ...ending, timing: { ...setting, yardstick } } : ending,
        cellsOf(targets, form, (share) => mostMultiplyAdds(share, model, task.request.tensors)),
      )
      const { milliseconds, bytes: inFile, brotli } = ended.figures.after
      const missed = missedSentence(targets, { milliseconds, size: form === 'brotli' ? brotli : inFile })
      return {
        lines: [...ended.lines, ...(missed ? [missed] : [])],
        json: {
          ...ended.json,
          target: {
            ...targets,
            ...(targets.bytes !== undefined && { stored: form }),
            ...(missed && { warning: missed }),
          },
        },
      }
    }
    const share = shareOf(task.request.tensors, sparsities)
    await pruneWithData(file, path, model, { ...given, sparsity: String(share) }, { sparsities, inputs, end })
  } finally {
    display?.stop()
  }
}

interface Asked {
  file: WeightsFile
  path: string
  model: Model
  task: ReturnType<typeof pruneTask>
  inputs: Awaited<ReturnType<typeof loadInputs>>
  limits: Targets & { drop?: number }
  form: StoredForm
  timing?: Awaited<ReturnType<typeof timingOf>>
  flags: Flags
}

/** What meets the targets. The networks that were tried are no longer needed when it is known. */
async function choose(asked: Asked, display: PruneDisplay | undefined): Promise<Chosen> {
  const { file, path, model, task, inputs, limits, form, timing, flags } = asked
  const { trials, store } = await trialsOf({ file, path, task, inputs, judges: flags.judges })
  display?.show('levels', '', 0)
  lastWords(LEVELS_LEFT)
  const onnx = isOnnxName(flags.out)
  return chooseSparsities({
    trials,
    store,
    model,
    file,
    source: path,
    tensors: task.request.tensors,
    sparsities: levelsFor(flags.granularity, trials.effort.sparsities),
    limits,
    names: TARGET_FLAGS,
    timing,
    stored: form,
    zeros: onnx,
    ...((onnx || form === 'brotli') && {
      sizeOf: (weights: TensorFile) => sizeInFile(flags, { weights, model, onnx: file.onnx }, form),
    }),
    onProgress: (part, text, share) => display?.show(part, text, share),
  }).finally(() => lastWords())
}

/** Throws UserError, naming the flag. */
function targetsOf({ targetMs, targetKb, targetFlops }: PruneFlags): Targets {
  const kilobytes = positive('--target-kb', targetKb)
  return {
    milliseconds: positive('--target-ms', targetMs),
    bytes: kilobytes === undefined ? undefined : 1000 * kilobytes,
    flops: positive('--target-flops', targetFlops, 1),
  }
}

/** Throws UserError, naming the flag. */
function positive(flag: string, text: string | undefined, most = Number.POSITIVE_INFINITY): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text.trim() !== '' && value > 0 && value <= most && Number.isFinite(value)) return value
  throw new UserError(
    `${flag}: expected a number above 0${Number.isFinite(most) ? ` and at most ${most}` : ''}, found ${text}`,
  )
}

/** Bytes, about, of what a file says of how it was pruned. */
const FACTS = 800

/** Bytes that pruned weights take in the file that is asked for, which is not kept. */
function sizeInFile(flags: Flags, stored: StoredNetwork, form: StoredForm): Promise<number> | number {
  if (!isOnnxName(flags.out)) return storedSize(stored.weights, form) + FACTS
  return inTemporaryFolder('espalier-size-', async (folder) => {
    const path = join(folder, 'network.onnx')
    const { onnx } = await writeNetwork(path, stored, { ...onnxOptions(flags), sizes: false })
    return (form === 'brotli' ? brotliBytes(readBytes(path)) : onnx!.bytes) + FACTS
  })
}

/** The target of multiply-adds, which is a share of those of some tensors, for the network as a whole. */
function mostMultiplyAdds(share: number, model: Model, tensors: readonly Tensor[]): number {
  const costs = weightCosts(model)
  const sum = (some: readonly Tensor[]) =>
    some.reduce((all, { name, shape }) => all + sizeOf(shape) * costOf(costs, name), 0)
  return sum(prunableTensors(model)) - (1 - share) * sum(tensors)
}

/** What the table of the end says of targets. */
function cellsOf(
  { milliseconds, bytes: most, flops }: Targets,
  form: StoredForm,
  multiplyAdds: (share: number) => number,
): TargetCells {
  return {
    ...(milliseconds !== undefined && { milliseconds: ms(milliseconds) }),
    ...(most !== undefined && { [form === 'brotli' ? 'brotli' : 'bytes']: bytes(most) }),
    ...(flops !== undefined && { multiplyAdds: grouped(Math.round(multiplyAdds(flops))) }),
  }
}

/** Times of a machine that does other work vary by so much. */
const NOISE = 1.03

/** Where what was pruned in the end takes more than was asked for; undefined where it does not. */
function missedSentence(
  { milliseconds, bytes: most }: Targets,
  after: { milliseconds?: number; size: number },
): string | undefined {
  const found = [
    ...(milliseconds !== undefined && after.milliseconds! > NOISE * milliseconds
      ? [`${ms(after.milliseconds!)} in the place of ${ms(milliseconds)}`]
      : []),
    ...(most !== undefined && after.size > most ? [`${bytes(after.size)} in the place of ${bytes(most)}`] : []),
  ]
  if (found.length === 0) return undefined
  return `warning: the network takes ${found.join(' and ')}: a busy machine takes longer, and the zeros of all tensors together lie elsewhere than those of each alone`
}

function levelTable(levels: readonly TensorLevels[], chosen: ReadonlyMap<string, number>): string {
  const rows = levels.map(({ name, levels: all }) => {
    const level = all[chosen.get(name)!]
    return [name, percent(level.sparsity), (level.loss - all[0].loss).toFixed(4)]
  })
  return markdownTable([['tensor', 'chosen sparsity', 'loss it adds alone'], ...rows], { align: ['l', 'r', 'r'] })
}
