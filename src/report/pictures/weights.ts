/**
 * @file Draws histograms of the prunable weights of one run of each group, before its first pruning event and
 * at its end.
 */
import { join } from 'node:path'
import { FILES } from '../../experiment/run/folder.ts'
import { toFloats } from '../../formats/safetensors.ts'
import { readWeights } from '../../formats/weights-file.ts'
import type { RunGroup } from '../groups.ts'
import { firstWith, type ReportedRun } from '../run.ts'
import type { Picture } from './draw.ts'
import { grid, panels } from './panels.ts'
import { accent, palette } from './theme.ts'

const MOST = 9
const BINS = 60

/** The expression that writes a count, such as `100`, `10k` or `1M`. */
const COUNT =
  "datum.value >= 1e6 ? datum.value / 1e6 + 'M' : datum.value >= 1e3 ? datum.value / 1e3 + 'k' : datum.value"

/** The histograms of one run of a group, in bins of one width. */
export interface WeightPanel {
  label: string
  before: readonly Bin[]
  after: readonly Bin[]
}

/** How many weights there are around a value. */
export interface Bin {
  at: number
  count: number
}

/** The histograms of the first groups that have both files. Throws UserError where one is damaged. */
export async function weightPanels(groups: readonly RunGroup[]): Promise<{ panels: WeightPanel[]; left: string }> {
  const { panels: drawn, left } = panels(groups, MOST, ({ runs }) => firstWith(runs, ['dense', 'model']))
  const found: WeightPanel[] = []
  for (const { label, value: run } of drawn) {
    const [before, after] = [await nonzeros(run, 'dense'), await nonzeros(run, 'model')]
    const limit = limitOf([before, after])
    found.push({ label, before: histogram(before, limit), after: histogram(after, limit) })
  }
  return { panels: found, left }
}

/** What histograms show, without the sentence on groups that are left out. */
export const WEIGHTS_CAPTION =
  'Nonzero prunable weights of one run of each group, in bins of equal width (one in a hundred is larger, and counted at the edges); counts are on a logarithmic scale.'

/** The picture; undefined where no run has both files. Throws UserError where one is damaged. */
export async function weightsPicture(groups: readonly RunGroup[]): Promise<Picture | undefined> {
  const { panels: drawn, left } = await weightPanels(groups)
  if (drawn.length === 0) return undefined
  const values = drawn.flatMap(({ label, before, after }) => [
    ...before.map((bin) => ({ panel: label, when: 'before pruning', ...bin })),
    ...after.map((bin) => ({ panel: label, when: 'at the end', ...bin })),
  ])
  return {
    name: 'weights',
    title: 'Weights before and after',
    caption: `${WEIGHTS_CAPTION}${left}`,
    spec: {
      data: { values },
      ...grid(drawn),
      spec: {
        width: 245,
        height: 120,
        mark: { type: 'area', interpolate: 'step', line: { strokeWidth: 1.5 }, fillOpacity: 0.25 },
        encoding: {
          x: { field: 'at', type: 'quantitative', axis: { title: 'weight', tickCount: 4, grid: false } },
          y: {
            field: 'count',
            type: 'quantitative',
            stack: null,
            scale: { type: 'symlog' },
            axis: { title: 'weights', values: [0, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7], labelExpr: COUNT },
          },
          color: {
            field: 'when',
            type: 'nominal',
            legend: { orient: 'top' },
            scale: { domain: ['before pruning', 'at the end'], range: [palette[9], accent] },
          },
        },
      },
      resolve: { scale: { x: 'independent' } },
    },
  }
}

/** All nonzero prunable weights in a file of a run. */
async function nonzeros({ folder, result }: ReportedRun, file: 'dense' | 'model'): Promise<Float32Array[]> {
  const { tensors } = await readWeights(join(folder, FILES[file]))
  const names = result?.layers.map(({ name }) => name) ?? []
  return names.flatMap((name) => {
    const tensor = tensors.get(name)
    return tensor ? [toFloats(tensor).filter((value) => value !== 0 && Number.isFinite(value))] : []
  })
}

/** The size that all but one in a hundred weights do not exceed, before or after. */
function limitOf(parts: readonly Float32Array[][]): number {
  const limits = parts.map((layers) => {
    const sizes = Float32Array.from(layers.flatMap((values) => [...values].map(Math.abs))).sort()
    return sizes[Math.floor(0.99 * (sizes.length - 1))] ?? 0
  })
  return Math.max(...limits)
}

/** The counts over [-limit, limit], each at the middle of its bin; weights beyond count in the outer bins. */
function histogram(parts: readonly Float32Array[], limit: number): Bin[] {
  const counts = new Array<number>(BINS).fill(0)
  for (const values of parts)
    for (const x of values) counts[Math.max(0, Math.min(BINS - 1, Math.floor(((x + limit) / (2 * limit)) * BINS)))]++
  return counts.map((count, i) => ({ at: ((2 * i + 1) / BINS - 1) * limit, count }))
}
