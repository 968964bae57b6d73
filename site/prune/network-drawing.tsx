/** @file A drawing of the network. Boxes of layers are as dark as their weights are dense. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { percent } from '../shared/format.ts'
import type { Drawing } from '../work/drawing.ts'

interface Props {
  drawing?: Drawing
  chosen: string
  choose(tensor: string): void
  /** Shares of zeros by tensor. */
  zeros: ReadonlyMap<string, number>
}

const BOX = { width: 150, height: 38, across: 18, down: 26 }
const MARGIN = 16
const ZOOM = { least: 0.1, most: 2.5, step: 1.25 }

export function NetworkDrawing({ drawing, chosen, choose, zeros }: Props) {
  const frame = useRef<HTMLElement>(null)
  const [zoom, setZoom] = useState(1)
  const most = Math.max(1, ...(drawing?.boxes.map(({ of }) => of) ?? []))
  const width = most * (BOX.width + BOX.across) - BOX.across + 2 * MARGIN
  const height = (drawing?.rows ?? 1) * (BOX.height + BOX.down) - BOX.down + 2 * MARGIN
  const fitting = () => Math.min(1, Math.max(ZOOM.least, (frame.current!.clientWidth - 2) / width))

  useLayoutEffect(() => {
    if (frame.current) setZoom(Math.max(0.5, fitting()))
  }, [drawing])
  useLayoutEffect(() => {
    const { current } = frame
    if (current) current.scrollLeft = (current.scrollWidth - current.clientWidth) / 2
  }, [drawing, zoom])

  if (!drawing)
    return (
      <div class="card drawing empty">
        <p class="soft">There is no drawing: the file holds tensors alone, or too many operators.</p>
      </div>
    )
  const middle = width / 2
  const at = drawing.boxes.map(({ row, place, of }) => ({
    x: middle + (place - (of - 1) / 2) * (BOX.width + BOX.across),
    y: MARGIN + row * (BOX.height + BOX.down) + BOX.height / 2,
  }))
  const change = (by: number) => setZoom(Math.min(ZOOM.most, Math.max(ZOOM.least, zoom * by)))

  return (
    <div class="card drawing">
      <div class="tools" role="toolbar" aria-label="Zoom of the drawing">
        <button type="button" aria-label="Zoom out" onClick={() => change(1 / ZOOM.step)}>
          −
        </button>
        <button type="button" aria-label="Zoom in" onClick={() => change(ZOOM.step)}>
          +
        </button>
        <button type="button" onClick={() => setZoom(fitting())}>
          Fit
        </button>
      </div>
      <section
        class="frame"
        ref={frame}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by keys
        tabIndex={0}
        aria-label="Drawing of the network"
        onWheel={(event: WheelEvent) => {
          if (!event.ctrlKey) return
          event.preventDefault()
          change(event.deltaY < 0 ? ZOOM.step : 1 / ZOOM.step)
        }}
      >
        <svg
          role="img"
          aria-label={`${drawing.boxes.length} operators; the table of tensors lists those that have weights`}
          viewBox={`0 0 ${width} ${height}`}
          width={width * zoom}
          height={height * zoom}
        >
          {drawing.lines.map(([from, to]) => (
            <path
              key={`${from} ${to}`}
              class="line"
              d={lineOf(at[from].x, at[from].y + BOX.height / 2, at[to].x, at[to].y - BOX.height / 2)}
            />
          ))}
          {drawing.boxes.map(({ operator, tensors }, i) => {
            const [tensor] = tensors
            const isChosen = tensors.includes(chosen)
            return (
              // biome-ignore lint/a11y/noStaticElementInteractions: the table has a button for each
              <g
                key={i}
                class={tensor === undefined ? 'box' : isChosen ? 'box layer chosen' : 'box layer'}
                onClick={() => tensor !== undefined && choose(tensor)}
              >
                <title>
                  {tensor === undefined ? operator : `${operator} ${tensor}: ${percent(zeros.get(tensor) ?? 0)} zeros`}
                </title>
                <rect
                  x={at[i].x - BOX.width / 2}
                  y={at[i].y - BOX.height / 2}
                  width={BOX.width}
                  height={BOX.height}
                  rx="6"
                />
                {tensor !== undefined && (
                  <rect
                    class="density"
                    x={at[i].x - BOX.width / 2 + 8}
                    y={at[i].y + BOX.height / 2 - 6}
                    width={(BOX.width - 16) * (1 - (zeros.get(tensor) ?? 0))}
                    height="3"
                    rx="1.5"
                  />
                )}
                <text x={at[i].x} y={at[i].y + (tensor === undefined ? 4 : -3)}>
                  {operator}
                </text>
                {tensor !== undefined && (
                  <text class="tensor" x={at[i].x} y={at[i].y + 10}>
                    {shortened(tensor)}
                  </text>
                )}
              </g>
            )
          })}
        </svg>
      </section>
    </div>
  )
}

const LETTERS = 23

/** The end of a name says more than its beginning. */
const shortened = (name: string) => (name.length <= LETTERS ? name : `…${name.slice(1 - LETTERS)}`)

const lineOf = (x1: number, y1: number, x2: number, y2: number) => {
  const half = (y1 + y2) / 2
  return x1 === x2 ? `M${x1} ${y1}V${y2}` : `M${x1} ${y1}C${x1} ${half} ${x2} ${half} ${x2} ${y2}`
}
