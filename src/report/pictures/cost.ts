/** @file What runs and their networks cost: seconds of training, operations of an inference. */
import { modelOf } from '../../experiment/plan/network.ts'
import { labelOf, type RunGroup } from '../groups.ts'
import { megaflopsOf, spreadOf } from '../groups-table.ts'
import { workOf } from '../work.ts'
import type { Picture } from './draw.ts'
import { accent, palette, soft, text } from './theme.ts'

/** A share in percent, such as `1.9 %`, `53 %` or `100 %`. */
export const shareText = (share: number) =>
  `${share < 0.0995 ? (100 * share).toPrecision(2) : (100 * share).toFixed(0)} %`

/** The picture; undefined where no run is complete. */
export function costPicture(groups: readonly RunGroup[]): Picture | undefined {
  const values = groups.flatMap((group) => {
    const [seconds, flops] = [spreadOf(group.runs, ({ result }) => result?.seconds), spreadOf(group.runs, megaflopsOf)]
    if (!seconds || !flops) return []
    const { mean, deviation = 0 } = seconds
    const dense = workOf(modelOf(group.runs[0].recipe), []).denseFlops / 1e6
    const share = `${shareText(flops.mean / dense)} of dense`
    return [
      { label: labelOf(group), mean, low: mean - deviation, high: mean + deviation, flops: flops.mean, dense, share },
    ]
  })
  if (values.length === 0) return undefined
  const y = (axis: object | null) => ({ field: 'label', type: 'nominal' as const, sort: null, axis })
  const names = { title: null, grid: false, labelLimit: 260 }
  const x = (field: string, title: string) => ({
    field,
    type: 'quantitative' as const,
    axis: { title, tickCount: 4 },
  })
  const bar = (color: string) => ({ type: 'bar' as const, color, cornerRadiusEnd: 2, height: { band: 0.65 } })
  return {
    name: 'cost',
    title: 'Time and operations',
    caption:
      'Seconds of training, means and deviations over seeds, as measured on the machine at the time (other work on it counts in), and operations of one inference that skips every zero; the mark is the dense network.',
    spec: {
      data: { values },
      hconcat: [
        {
          width: 320,
          height: { step: 20 },
          layer: [
            { mark: bar(palette[1]), encoding: { y: y(names), x: x('mean', 'seconds of training') } },
            {
              mark: { type: 'rule', color: text },
              encoding: { y: y(names), x: x('low', 'seconds of training'), x2: { field: 'high' } },
            },
          ],
        },
        {
          width: 320,
          height: { step: 20 },
          layer: [
            { mark: bar(accent), encoding: { y: y(null), x: x('flops', 'MFLOP of an inference') } },
            {
              mark: { type: 'tick', color: soft, thickness: 2 },
              encoding: { y: y(null), x: x('dense', 'MFLOP of an inference') },
            },
            {
              mark: { type: 'text', align: 'left', dx: 5, fontSize: 10 },
              encoding: { y: y(null), x: x('flops', 'MFLOP of an inference'), text: { field: 'share' } },
            },
          ],
        },
      ],
    },
  }
}
