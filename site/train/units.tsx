/** @file Weights of hidden units as images. */
import { useEffect, useRef } from 'preact/hooks'

const SIDE = 28
const ACROSS = 10
const UNITS = 40

export function Units({ weights }: { weights?: Float32Array }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => paint(canvas.current!, weights), [weights])
  return (
    <div class="card">
      <canvas
        class="units"
        ref={canvas}
        width={ACROSS * (SIDE + 2) - 2}
        height={(UNITS / ACROSS) * (SIDE + 2) - 2}
        role="img"
        aria-label={`Weights of ${UNITS} hidden units as images${weights ? '' : ', empty until training begins'}`}
      />
    </div>
  )
}

const POSITIVE = [42, 120, 200]
const NEGATIVE = [214, 84, 60]
const ZERO = [128, 128, 128]

/** Colours over the card, of either theme; weights that are not zero can be told from those that are. */
function paint(canvas: HTMLCanvasElement, weights?: Float32Array): void {
  const context = canvas.getContext('2d')!
  const image = context.createImageData(canvas.width, canvas.height)
  const most = weights ? spread(weights) : 1
  for (let unit = 0; unit < UNITS; unit++) {
    const [left, top] = [(unit % ACROSS) * (SIDE + 2), Math.floor(unit / ACROSS) * (SIDE + 2)]
    for (let i = 0; i < SIDE * SIDE; i++) {
      const at = 4 * ((top + Math.floor(i / SIDE)) * canvas.width + left + (i % SIDE))
      const weight = weights?.[unit * SIDE * SIDE + i] ?? 0
      const colour = weight > 0 ? POSITIVE : weight < 0 ? NEGATIVE : ZERO
      for (let c = 0; c < 3; c++) image.data[at + c] = colour[c]
      image.data[at + 3] = weight === 0 ? 28 : 70 + 185 * Math.min(1, Math.abs(weight) / most)
    }
  }
  context.putImageData(image, 0, 0)
}

/** Three standard deviations of what is not zero: the few largest would leave all others pale. */
function spread(weights: Float32Array): number {
  let [sum, count] = [0, 0]
  for (const weight of weights) {
    sum += weight * weight
    count += Number(weight !== 0)
  }
  return 3 * Math.sqrt(sum / Math.max(1, count)) || 1
}
