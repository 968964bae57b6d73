/** @file Two histograms of weights over each other, before pruning and at the end. */
import { useRef } from 'preact/hooks'
import type { WeightPanel } from '../../src/report/pictures/weights.ts'
import { short } from './scale.ts'
import { useWidth } from './use-width.ts'

const HEIGHT = 120

export function Histogram({ label, before, after }: WeightPanel) {
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  const most = Math.max(1, ...[...before, ...after].map(({ count }) => count))
  // The logarithm of one more: no weights are no height.
  const y = (count: number) => HEIGHT * (1 - Math.log1p(count) / Math.log1p(most))
  const bin = width / Math.max(1, before.length)
  const outline = (bins: WeightPanel['before']) =>
    `M0 ${HEIGHT}${bins.map(({ count }, i) => `L${(i * bin).toFixed(1)} ${y(count).toFixed(1)}H${((i + 1) * bin).toFixed(1)}`).join('')}L${width} ${HEIGHT}z`
  const limit = before.length > 1 ? before[before.length - 1].at + (before[1].at - before[0].at) / 2 : 0
  const sum = (bins: WeightPanel['before']) => bins.reduce((all, { count }) => all + count, 0)
  return (
    <figure class="histogram">
      <h3>
        {label} <small>at most {short(most)}</small>
      </h3>
      <div ref={box} style={{ height: `${HEIGHT}px` }}>
        {width > 0 && (
          <svg
            width={width}
            height={HEIGHT}
            role="img"
            aria-label={`${sum(before)} weights before pruning, ${sum(after)} at the end, up to ${short(limit)} in size`}
          >
            <path class="before" d={outline(before)} />
            <path class="now" d={outline(after)} />
          </svg>
        )}
      </div>
      <div class="ends" aria-hidden="true">
        <span>−{short(limit)}</span>
        <span>{short(limit)}</span>
      </div>
    </figure>
  )
}
