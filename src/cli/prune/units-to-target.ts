/**
 * @file espalier prune with a target and --granularity channel or auto: whole channels may go, what is
 * written is the compacted ONNX model, and times are of that, on this engine or in ONNX Runtime.
 */
import { markdownTable } from 'markdown-table'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { countNonzeros } from '../../sparsity/count.ts'
import { atLevels, type Compacted, compacted } from '../../target/compacted.ts'
import { CompactedTimes } from '../../target/compacted-times.ts'
import { DropLimit } from '../../target/drop-limit.ts'
import type { Runtime } from '../../target/runtimes.ts'
import type { Targets } from '../../target/search.ts'
import { type Costs, searchUnits, type UnitChoice, type UnitSearch } from '../../target/search-units.ts'
import { askedAt, eachRemoved, type Kind, type UnitLevels, unitLosses, unitsOf } from '../../target/unit.ts'
import { UserError } from '../../util/errors.ts'
import { bytes, grouped, percent } from '../../util/format.ts'
import { print } from '../display/output.ts'
import { type Ending, endingOf, ms, type TargetCells } from './ending.ts'
import { unitLevelsOf } from './levels.ts'
import { smallGroups } from './multiples.ts'
import { PruneDisplay } from './progress.ts'
import { timingOf, unitRuntimeOf } from './runtime.ts'
import { type PruneFlags, pruneTask } from './settings.ts'
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
  // Zeros save nothing in ONNX Runtime.
  const kind: Kind = flags.granularity === 'auto' && (runtime?.skipsZeros ?? true) ? 'auto' : 'channel'
  const given = { reconstruct: 'auto', ...flags, sparsity: '0', scope: 'layerwise', granularity: 'channel' }
  const task = pruneTask(given, model)
  const { tensors } = task.request
  const units = unitsOf(model, tensors, kind, flags.multipleOf)
  if (units.length === 0)
    throw new UserError(
      `--granularity ${flags.granularity}: ${path} has no channels that may go${flags.multipleOf === undefined ? '' : ` in multiples of ${flags.multipleOf}`}`,
    )
  const stored = flags.stored === 'brotli' ? 'brotli' : 'dense'
  const network = { file, model, source: path, stored } as const
  const dense = atLevels(network, [], new Map())
  // Where the package is missing or does not take the network, that is said before hours of work.
  const times = runtime && (await CompactedTimes.open(runtime, dense, SECONDS))
  try {
    const inputs = await loadInputs(file, path, model, flags, [task.method])
    inputs.notes.push(...smallGroups({ ...task.request, masks: { multipleOf: flags.multipleOf } }))
    const display = flags.json ? undefined : new PruneDisplay()
    try {
      const trying = { ...task, request: { ...task.request, masks: undefined } }
      const { levels, trials } = await unitLevelsOf(
        { file, path, task: trying, inputs, judges: flags.judges, display },
        units,
      )
      const denseCosts = costsOf(dense, await times?.ofDense())
      const measured = async (one: Compacted) => costsOf(one, await times?.of(one))
      const measure = (chosen: ReadonlyMap<string, number>) => measured(atLevels(network, levels, chosen))
      const found: UnitSearch = {
        units: levels,
        targets,
        dense: denseCosts,
        alone: await aloneCosts(levels, { dense: denseCosts, at: measure }, display),
        measure,
      }
      const limit =
        maxDrop === undefined
          ? undefined
          : new DropLimit<UnitChoice>(maxDrop, {
              trials,
              name: '--max-drop',
              targets,
              onTry: (text) => display?.show('drop', text),
              leastFlops: await leastFlops(found),
              search: (some) => searchUnits({ ...found, targets: some }),
              prune: async (choice) => {
                const { channels, sparsities } = askedAt(levels, tensors, choice.levels)
                return (await trials.prune(tensors, sparsities, { channels, afterwards: true })).network
              },
            })
      const choice = limit ? await limit.choose() : await searchUnits(found)
      if (display) print(`\n${levelTable(levels, choice)}\n`)
      const end = async (ending: Ending) => {
        const timing = runtime && (await timingOf({ ...flags, runtime: undefined }))
        const ended = await endingOf({ ...ending, timing }, cellsOf(targets, found.dense, runtime, stored))
        const tensors = new Map([...file.tensors, ...ending.weights!.tensors])
        const costs = await measured(compacted({ ...network, file: { ...file, tensors } }))
        // What the table shows counts, too.
        const shown = ended.figures.after[runtime?.skipsZeros === false ? 'onnxruntime' : 'milliseconds']
        const milliseconds = Math.max(shown ?? 0, costs.milliseconds ?? 0)
        const missed = missedSentence(targets, { ...costs, milliseconds })
        const facts = { ...targets, ...(runtime && { runtime: flags.runtime ?? 'espalier' }) }
        return {
          lines: [...ended.lines, ...(missed ? [missed] : [])],
          json: { ...ended.json, target: { ...facts, ...(missed && { warning: missed }) } },
        }
      }
      const asked = askedAt(levels, tensors, choice.levels)
      const chosen = { ...asked, inputs, end }
      const share = removedShare(levels, choice, tensors)
      await pruneWithData(
        file,
        path,
        model,
        { ...given, compact: true, multipleOf: undefined, sparsity: String(share) },
        chosen,
      )
    } finally {
      display?.stop()
    }
  } finally {
    await times?.close()
  }
}

/** Bytes, at most, of what a file says of how it was pruned. */
const MADE = 1500

/** Seconds that networks take turns for. */
const SECONDS = 0.4

/** What a network comes to, as it is written. */
const costsOf = ({ bytes: size, multiplyAdds }: Compacted, milliseconds: number | undefined): Costs => ({
  ...(milliseconds !== undefined && { milliseconds }),
  bytes: size + MADE,
  multiplyAdds,
})

/** What the network comes to with each unit at each of its levels, the others dense. */
async function aloneCosts(
  units: readonly UnitLevels[],
  { dense, at }: { dense: Costs; at(levels: ReadonlyMap<string, number>): Promise<Costs> },
  display: PruneDisplay | undefined,
): Promise<Map<string, Costs[]>> {
  const total = units.reduce((sum, { levels }) => sum + levels.length - 1, 0)
  let done = 0
  display?.show('costs', '', 0)
  const found = new Map<string, Costs[]>()
  for (const { name, levels } of units) {
    const costs = [dense]
    for (let level = 1; level < levels.length; level++) {
      costs.push(await at(new Map([[name, level]])))
      display?.show('costs', name, ++done / total)
    }
    found.set(name, costs)
  }
  return found
}

/** The share of the multiply-adds that the cheapest levels leave. */
async function leastFlops({ units, alone, measure, dense }: UnitSearch): Promise<number> {
  const cheapest = units.map(({ name }) => {
    const counts = alone.get(name)!.map(({ multiplyAdds }) => multiplyAdds)
    return [name, counts.indexOf(Math.min(...counts))] as const
  })
  return (await measure(new Map(cheapest))).multiplyAdds / dense.multiplyAdds
}

/** The share of the tensors' weights that all levels together remove. */
function removedShare(units: readonly UnitLevels[], { levels }: UnitChoice, tensors: readonly Tensor[]): number {
  const kept = new Map(tensors.map(({ name, shape }) => [name, new Uint8Array(sizeOf(shape)).fill(1)]))
  for (const unit of units)
    eachRemoved(unit, unit.levels[levels.get(unit.name)!], (name, i) => {
      kept.get(name)![i] = 0
    })
  const all = [...kept.values()]
  const [size, left] = [
    all.reduce((sum, { length }) => sum + length, 0),
    all.reduce((n, bits) => n + countNonzeros(bits), 0),
  ]
  return 1 - left / size
}

/** Times of a machine that does other work vary by so much. */
const NOISE = 1.03

function missedSentence({ milliseconds, bytes: most }: Targets, after: Costs): string | undefined {
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
  dense: Costs,
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

function levelTable(units: readonly UnitLevels[], { levels }: UnitChoice): string {
  const rows = units.map((unit) => {
    const at = levels.get(unit.name)!
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
