/**
 * @file espalier prune --target-ms, --target-kb, --target-flops: levels of sparsity are measured tensor by
 * tensor, chosen so that the targets are met with the least loss, and the network is pruned to them.
 */
import type { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { isOnnxName } from '../../formats/onnx/file.ts'
import { encodeSafetensors, storeFloats, type TensorFile, toFloats } from '../../formats/safetensors.ts'
import { packSparse } from '../../formats/sparse.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { SparseModel } from '../../infer/sparse-model.ts'
import { methods } from '../../methods/index.ts'
import type { Model } from '../../models/model.ts'
import { countNonzeros } from '../../sparsity/count.ts'
import { patternOf } from '../../sparsity/granularity/index.ts'
import { multiplyAddsOf, weightCosts } from '../../sparsity/multiply-adds.ts'
import { measureLatency, timeAt, wholeTime } from '../../target/latency.ts'
import { USUAL_LEVELS } from '../../target/levels.ts'
import { type Choice, leastFlops, search, storedBytes, type Targets } from '../../target/search.ts'
import type { TensorLevels } from '../../target/tensor-levels.ts'
import { shareOf } from '../../target/trials.ts'
import { UserError } from '../../util/errors.ts'
import { bytes, percent } from '../../util/format.ts'
import { print } from '../display/output.ts'
import { flagName, givenFlags } from '../flags/given.ts'
import { DropLimit } from './drop-limit.ts'
import { levelsOf } from './levels.ts'
import { PruneDisplay } from './progress.ts'
import { runtimeFlag, type Timing, timingOf } from './runtime.ts'
import { methodFor, methodName, type PruneFlags, pruneTask } from './settings.ts'
import { pruneUnitsToTarget } from './units-to-target.ts'
import { loadInputs, pruneWithData } from './with-data.ts'

/** The first target that is given, as a flag. */
export const targetFlag = ({ targetMs, targetKb, targetFlops, maxDrop }: PruneFlags): string | undefined =>
  Object.entries({
    '--target-ms': targetMs,
    '--target-kb': targetKb,
    '--target-flops': targetFlops,
    '--max-drop': maxDrop,
  }).find(([, value]) => value !== undefined)?.[0]

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
  if (given.has('targetKb') && !removesChannels(flags) && !/\.safetensors$/i.test(out ?? ''))
    throw new UserError(
      `--target-kb: sizes are those of safetensors files, stored sparse: expected --out with a name that ends in .safetensors, found ${out}; espalier convert writes other formats afterwards`,
    )
}

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
    throw new UserError('--multiple-of is for --granularity channel and for --compact')
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
  const targets = targetsOf(flags)
  const maxDrop = positive('--max-drop', flags.maxDrop)
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
    const { levels, trials } = await levelsOf({
      file,
      path,
      task,
      inputs,
      sparsities: levelsFor(flags.granularity),
      judges: flags.judges,
      display,
    })
    const timing = setting && { ...setting, file, model: file.onnx ? undefined : model.name, source: path }
    const latency = timing && measureLatency(levels, timing)
    const costs = weightCosts(model)
    const options = {
      tensors: levels,
      targets,
      latency,
      time: timing && ((chosen: ReadonlyMap<string, number>) => timeAt(levels, chosen, timing)),
      otherBytes: otherBytesOf(file, levels) + madeBytes(levels),
      costs,
    }
    const limit =
      maxDrop === undefined
        ? undefined
        : new DropLimit<Choice>(maxDrop, {
            trials,
            display,
            targets,
            leastFlops: leastFlops(options),
            search: (some) => search({ ...options, targets: some }),
            prune: async ({ sparsities }) =>
              (await trials.prune(task.request.tensors, sparsities, { afterwards: true })).network,
          })
    const choice = limit ? await limit.choose() : search(options)
    if (display) print(`\n${levelTable(levels, choice.levels)}\n`)
    const outcome = (written: TensorFile) => {
      const before = figures(file, levels, costs, timing)
      const after = figures({ ...file, ...written }, levels, costs, timing)
      const missed = missedSentence(targets, after)
      return {
        lines: [outcomeTable(targets, before, after), ...(missed ? ['', missed] : [])],
        json: { ...targets, before, after, ...(missed && { warning: missed }) },
      }
    }
    const chosen = { sparsities: choice.sparsities, inputs, outcome }
    const share = shareOf(task.request.tensors, choice.sparsities)
    await pruneWithData(file, path, model, { ...given, sparsity: String(share) }, chosen)
  } finally {
    display?.stop()
  }
}

/** Sparsities of single tensors: in a pattern that, and what is beyond it. */
function levelsFor(granularity = 'weight'): readonly number[] {
  const pattern = patternOf(granularity)
  if (!pattern) return USUAL_LEVELS
  const least = 1 - pattern.n / pattern.m
  return [least, ...USUAL_LEVELS.filter((level) => level > least)]
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

/**
 * What the file takes besides the nonzeros and bitmaps of the tensors that are pruned: the rest, and where
 * all of it lies, with every one of them stored sparse.
 */
function otherBytesOf(file: TensorFile, levels: readonly TensorLevels[]): number {
  const tensors = new Map(file.tensors)
  for (const { name, size } of levels) {
    const { shape } = file.tensors.get(name)!
    tensors.set(name, storeFloats(new Float32Array(size), shape))
  }
  const empty = encodeSafetensors(packSparse({ ...file, tensors })).length
  return empty - levels.reduce((sum, { size }) => sum + storedBytes(size, 0), 0)
}

interface Figures {
  milliseconds?: number
  bytes: number
  multiplyAdds: number
}

/** What a network comes to. */
function figures(
  file: WeightsFile,
  levels: readonly TensorLevels[],
  costs: ReadonlyMap<string, number>,
  timing: (Timing & { model?: string; source: string }) | undefined,
): Figures {
  const counts = levels.map(({ name, size }) => {
    return { name, size, kept: countNonzeros(toFloats(file.tensors.get(name)!)) }
  })
  const measured = timing && wholeTime(new SparseModel(file, timing), timing.batch, 15)
  return {
    ...(measured !== undefined && { milliseconds: measured }),
    bytes: encodeSafetensors(packSparse(file)).length,
    multiplyAdds: multiplyAddsOf(costs, counts).kept,
  }
}

/** Bytes, at most, of what a file says of how it was pruned: settings, names, and the sparsity of each. */
const madeBytes = (levels: readonly TensorLevels[]): number =>
  levels.reduce((sum, { name }) => sum + 2 * name.length + 32, 800)

/** Times of a machine that does other work vary by so much. */
const NOISE = 1.03

/** Where what was pruned in the end takes more than was asked for; undefined where it does not. */
function missedSentence({ milliseconds, bytes: most }: Targets, after: Figures): string | undefined {
  const found = [
    ...(milliseconds !== undefined && after.milliseconds! > NOISE * milliseconds
      ? [`${ms(after.milliseconds!)} in the place of ${ms(milliseconds)}`]
      : []),
    ...(most !== undefined && after.bytes > most ? [`${bytes(after.bytes)} in the place of ${bytes(most)}`] : []),
  ]
  if (found.length === 0) return undefined
  return `warning: the network takes ${found.join(' and ')}: a busy machine takes longer, and the zeros of all tensors together lie elsewhere than those of each alone`
}

function outcomeTable({ milliseconds, bytes: most, flops }: Targets, before: Figures, after: Figures): string {
  const rows = [
    ...(before.milliseconds === undefined
      ? []
      : [
          [
            'time',
            ms(before.milliseconds),
            ms(after.milliseconds!),
            milliseconds === undefined ? '' : ms(milliseconds),
          ],
        ]),
    ['stored sparse', bytes(before.bytes), bytes(after.bytes), most === undefined ? '' : bytes(most)],
    [
      'multiply-adds of the pruned tensors',
      percent(1),
      percent(after.multiplyAdds / before.multiplyAdds),
      flops === undefined ? '' : percent(flops),
    ],
  ]
  return markdownTable([['', 'before', 'after', 'target'], ...rows], { align: ['l', 'r', 'r', 'r'] })
}

const ms = (milliseconds: number): string => `${milliseconds.toPrecision(3)} ms`

function levelTable(levels: readonly TensorLevels[], chosen: ReadonlyMap<string, number>): string {
  const rows = levels.map(({ name, levels: all }) => {
    const level = all[chosen.get(name)!]
    return [name, percent(level.sparsity), (level.loss - all[0].loss).toFixed(4)]
  })
  return markdownTable([['tensor', 'chosen sparsity', 'loss it adds alone'], ...rows], { align: ['l', 'r', 'r'] })
}
