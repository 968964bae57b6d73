/**
 * @file espalier prune with a target and --granularity channel or auto: whole channels may go, what is
 * written is the compacted ONNX model, and times are of that, on this engine or in ONNX Runtime.
 */
import { markdownTable } from 'markdown-table'
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { type ChosenUnits, chooseUnits } from '../../target/choose-units.ts'
import { CompactedCosts } from '../../target/compacted-costs.ts'
import type { Runtime } from '../../target/runtimes.ts'
import type { Targets } from '../../target/search.ts'
import type { NetworkCosts } from '../../target/search-units.ts'
import { kindFor, unitLosses, unitsOf } from '../../target/unit.ts'
import { UserError } from '../../util/errors.ts'
import { bytes, grouped, percent } from '../../util/format.ts'
import { lastWords } from '../display/last-words.ts'
import { print } from '../display/output.ts'
import { type Ending, endingOf, ms, type TargetCells } from './ending.ts'
import { LEVELS_LEFT, trialsOf } from './levels.ts'
import { smallGroups } from './multiples.ts'
import { PruneDisplay } from './progress.ts'
import { timingOf, unitRuntimeOf } from './runtime.ts'
import { type PruneFlags, pruneTask } from './settings.ts'
import { TARGET_FLAGS } from './target-flags.ts'
import { loadInputs, pruneWithData } from './with-data.ts'

type Flags = PruneFlags & { data: string; out: string }

export async function pruneUnitsToTarget(
  file: WeightsFile,
  path: string,
  model: Model,
  flags: Flags,
  { targets, maxDrop }: { targets: Targets; maxDrop?: number },
): Promise<void> {
  const runtime = targets.milliseconds === undefined ? undefined : await unitRuntimeOf(flags)
  const stored = flags.stored === 'brotli' ? 'brotli' : 'dense'
  const limits = { ...targets, drop: maxDrop }
  const isAuto = flags.granularity === 'auto'
  const kind = isAuto ? kindFor(limits, { stored, skipsZeros: runtime?.skipsZeros }) : 'channel'
  const { multipleOf } = flags
  const given = { reconstruct: 'auto', ...flags, sparsity: '0', scope: 'layerwise', granularity: 'channel' }
  const task = pruneTask(given, model)
  const { tensors } = task.request
  const units = unitsOf(model, tensors, kind, multipleOf)
  if (units.length === 0)
    throw new UserError(
      `--granularity ${flags.granularity}: ${path} has no channels that may go${multipleOf === undefined ? '' : ` in multiples of ${multipleOf}`}`,
    )
  // Where the package is missing or does not take the network, that is said before hours of work.
  const costs = await CompactedCosts.open({ file, model, source: path, multipleOf, stored }, runtime)
  try {
    const inputs = await loadInputs(file, path, model, flags, [task.method])
    inputs.notes.push(...smallGroups({ ...task.request, masks: { multipleOf } }))
    const display = flags.json ? undefined : new PruneDisplay()
    try {
      // The networks that are tried are no longer needed when it returns.
      const choose = async () => {
        const trying = { ...task, request: { ...task.request, masks: undefined } }
        const { trials, store } = await trialsOf({ file, path, task: trying, inputs, judges: flags.judges })
        display?.show('levels', '', 0)
        lastWords(LEVELS_LEFT)
        const onProgress = (part: string, text: string, share: number) => display?.show(part, text, share)
        const common = { tensors, limits, names: TARGET_FLAGS, store, onProgress }
        return chooseUnits({ trials, units, costs, ...common }).finally(() => lastWords())
      }
      const chosen = await choose()
      if (display) print(`\n${levelTable(chosen)}\n`)
      const end = async (ending: Ending) => {
        const timing = runtime && (await timingOf({ ...flags, runtime: undefined }))
        const ended = await endingOf({ ...ending, timing }, cellsOf(targets, chosen.dense, runtime, stored))
        const found = await costs.withTensors(ending.weights!.tensors)
        // What the table shows counts, too.
        const shown = ended.figures.after[runtime?.skipsZeros === false ? 'onnxruntime' : 'milliseconds']
        const milliseconds = Math.max(shown ?? 0, found.milliseconds ?? 0)
        const missed = missedSentence(targets, { ...found, milliseconds })
        const facts = { ...targets, ...(runtime && { runtime: flags.runtime ?? 'espalier' }) }
        return {
          lines: [...ended.lines, ...(missed ? [missed] : [])],
          json: { ...ended.json, target: { ...facts, ...(missed && { warning: missed }) } },
        }
      }
      const asked = { ...given, compact: true, sparsity: String(chosen.share) }
      await pruneWithData(file, path, model, asked, { ...chosen, inputs, end })
    } finally {
      display?.stop()
    }
  } finally {
    await costs.close()
  }
}

/** Times of a machine that does other work vary by so much. */
const NOISE = 1.03

function missedSentence({ milliseconds, bytes: most }: Targets, after: NetworkCosts): string | undefined {
  const found = [
    ...(milliseconds !== undefined && after.milliseconds! > NOISE * milliseconds
      ? [`${ms(after.milliseconds!)} in the place of ${ms(milliseconds)}`]
      : []),
    ...(most !== undefined && after.bytes > most ? [`${bytes(after.bytes)} in the place of ${bytes(most)}`] : []),
  ]
  return found.length === 0
    ? undefined
    : `warning: the network takes ${found.join(' and ')}: a busy machine takes longer`
}

/** What the table of the end says of targets. */
function cellsOf(
  { milliseconds, bytes: most, flops }: Targets,
  dense: NetworkCosts,
  runtime: Runtime | undefined,
  stored: 'dense' | 'brotli',
): TargetCells {
  return {
    ...(milliseconds !== undefined && {
      [runtime?.skipsZeros === false ? 'onnxruntime' : 'milliseconds']: ms(milliseconds),
    }),
    ...(most !== undefined && { [stored === 'brotli' ? 'brotli' : 'bytes']: bytes(most) }),
    ...(flops !== undefined && { multiplyAdds: grouped(Math.round(flops * dense.multiplyAdds)) }),
  }
}

function levelTable({ units, choice }: ChosenUnits): string {
  const rows = units.map((unit) => {
    const at = choice.levels.get(unit.name)!
    const { channels, sparsity } = unit.levels[at]
    const kept = channels ?? unit.channels
    return [
      unit.name,
      kept === undefined ? '' : `${kept} of ${unit.channels}`,
      channels === undefined && sparsity > 0 ? percent(sparsity) : '',
      unitLosses(unit)[at].toFixed(4),
    ]
  })
  const head = ['channels made by', 'that stay', 'zeros', 'loss it adds alone']
  return markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'r'] })
}
