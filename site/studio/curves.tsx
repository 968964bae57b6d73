/** @file The curves of runs over their epochs, one line for each run. */
import type { EpochReport } from '../../src/experiment/run/events.ts'
import type { RunDetail } from '../../src/studio/api.ts'
import { Chart } from '../views/chart.tsx'
import type { Axis } from '../views/frame.ts'
import { short } from '../views/scale.ts'
import type { Series } from '../views/series.ts'

interface Curve {
  title: string
  y: Axis
  of(epoch: EpochReport): number | undefined
}

const percentAxis = (title: string): Axis => {
  return { title, kind: 'linear', shown: (value) => `${value.toFixed(2)} %` }
}
const lossAxis = (title: string): Axis => ({ title, kind: 'log', shown: (value) => value.toPrecision(4) })
const percent = (value: number | undefined) => (value === undefined ? undefined : 100 * value)

const curves: readonly Curve[] = [
  { title: 'Training loss', y: lossAxis('training loss'), of: ({ trainLoss }) => trainLoss },
  { title: 'Validation loss', y: lossAxis('validation loss'), of: ({ validationLoss }) => validationLoss },
  { title: 'Training accuracy', y: percentAxis('accuracy, %'), of: ({ trainAccuracy }) => percent(trainAccuracy) },
  {
    title: 'Validation accuracy',
    y: percentAxis('accuracy, %'),
    of: ({ validationAccuracy }) => percent(validationAccuracy),
  },
  { title: 'Test accuracy', y: percentAxis('accuracy, %'), of: ({ testSet }) => percent(testSet?.accuracy) },
  {
    title: 'Zeros',
    y: { ...percentAxis('zeros among prunable weights, %'), least: 0, most: 100 },
    of: ({ sparsity }) => percent(sparsity),
  },
  {
    title: 'Weights that have vanished',
    y: { ...percentAxis('below 1e-4, %'), least: 0, most: 100 },
    of: ({ gap }) => percent(gap?.vanished),
  },
  {
    title: 'Learning rate',
    y: { title: 'learning rate', kind: 'linear', shown: short },
    of: ({ learningRate }) => learningRate,
  },
]

/** `events`: whether pruning events are marked. A curve that no run has is left out. */
export function RunCurves({ runs, events }: { runs: readonly RunDetail[]; events: boolean }) {
  const pruned = events ? eventsOf(runs[0]) : []
  return (
    <div class="pictures">
      {curves.map(({ title, y, of }) => {
        const names = namesOf(runs)
        const series = runs.map((run, index): Series => {
          const points = run.epochs.flatMap((epoch) => {
            const value = of(epoch)
            return value === undefined ? [] : [{ x: epoch.epoch, y: value }]
          })
          return { name: names[index], group: names[index], index, shade: 1, points }
        })
        if (series.every(({ points }) => points.length === 0)) return null
        const most = Math.max(...runs.map(({ summary }) => summary.epochs))
        return (
          <Chart
            key={title}
            title={title}
            series={series}
            x={{ title: 'epoch', kind: 'linear', shown: String, whole: true, least: 1, most: Math.max(2, most) }}
            y={y}
            events={pruned}
            caption={pruned.length > 0 ? 'Shaded: from the first pruning event to the last.' : undefined}
          />
        )
      })}
    </div>
  )
}

/** The folders of runs without those that all of them are in. */
export function namesOf(runs: readonly RunDetail[]): string[] {
  const all = runs.map(({ summary }) => summary.id.split('/'))
  const shared = all[0].findIndex((part, i) => i === all[0].length - 1 || all.some((one) => one[i] !== part))
  return all.map((parts) => parts.slice(shared).join('/'))
}

/** When a run pruned, in epochs. */
function eventsOf({ prunings, epochs }: RunDetail): number[] {
  const [last] = epochs.slice(-1)
  if (!last) return []
  const perEpoch = last.step / last.epoch
  return [...new Set(prunings.map(({ step }) => step / perEpoch))].filter((at) => at >= 1)
}
