/** @file One tensor: how its values are spread, before and after, and where its zeros are. */
import { useEffect, useRef } from 'preact/hooks'
import { grouped, percent } from '../shared/format.ts'
import type { Histogram, MaskPicture } from '../work/tensor.ts'
import type { TensorFacts } from './protocol.ts'

export function TensorView({ tensor }: { tensor?: TensorFacts }) {
  if (!tensor) return <div class="card tensor-view" />
  const { name, shape, before, after, mask } = tensor
  const now = after ?? before
  const spread = before.most > 0
  return (
    <div class="card tensor-view">
      <h3>{name}</h3>
      <p class="soft">
        {shape.join(' × ')}, {grouped(now.zeros)} of {grouped(now.size)} weights are zero
        {after && after.zeros !== before.zeros ? `; before, ${grouped(before.zeros)}` : ''}
      </p>
      <figure>
        <Bars before={before} after={after} />
        <figcaption class="soft">
          {spread
            ? `Values that are not zero${after ? ': faint before, strong now' : ''}, from ${shown(-before.most)} to ${shown(before.most)}`
            : 'No value is different from zero'}
          {before.odd > 0 && `; ${grouped(before.odd)} are no finite numbers`}
        </figcaption>
      </figure>
      <figure>
        {now.size > 0 && <Mask mask={mask} share={now.zeros / now.size} />}
        <figcaption class="soft">Where weights are not zero: outputs from top to bottom, inputs across</figcaption>
      </figure>
    </div>
  )
}

const shown = (x: number) => x.toPrecision(2)

const HEIGHT = 100

function Bars({ before, after }: { before: Histogram; after?: Histogram }) {
  const most = Math.max(1, ...before.counts, ...(after?.counts ?? []))
  const bars = ({ counts }: Histogram, kind: string) =>
    counts.map((count, i) => {
      const height = (HEIGHT * count) / most
      return <rect key={`${kind} ${i}`} class={kind} x={4 * i} y={HEIGHT - height} width="3.4" height={height} />
    })
  return (
    <svg
      class="bars"
      role="img"
      aria-label={`Histogram of ${grouped(before.size - before.zeros)} values`}
      viewBox={`0 0 ${4 * before.counts.length} ${HEIGHT}`}
      preserveAspectRatio="none"
    >
      {bars(before, after ? 'before' : 'now')}
      {after && bars(after, 'now')}
    </svg>
  )
}

function Mask({ mask: { rows, columns, shares }, share }: { mask: MaskPicture; share: number }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const draw = () => paint(canvas.current!, { rows, columns, shares })
    draw()
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', draw)
    return () => dark.removeEventListener('change', draw)
  }, [rows, columns, shares])
  return (
    <canvas
      class="mask"
      ref={canvas}
      width={columns}
      height={rows}
      role="img"
      aria-label={`Mask: ${percent(share)} of the weights are zero`}
    />
  )
}

function paint(canvas: HTMLCanvasElement, { rows, columns, shares }: MaskPicture): void {
  const context = canvas.getContext('2d')!
  const image = context.createImageData(columns, rows)
  const style = getComputedStyle(canvas)
  const [zero, kept] = [style.getPropertyValue('background-color'), style.getPropertyValue('color')].map(channels)
  for (let i = 0; i < shares.length; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = zero[c] + (kept[c] - zero[c]) * shares[i]
    image.data[4 * i + 3] = 255
  }
  context.putImageData(image, 0, 0)
}

/** Of a computed colour: rgb(1, 2, 3). */
const channels = (colour: string): number[] => colour.match(/\d+(\.\d+)?/g)!.map(Number)
