/** @file Draws networks side by side: a panel for every figure, with a bar and its value for each network. */
import type { Picture } from './draw.ts'
import { palette, text } from './theme.ts'

export interface ComparedFigure {
  label: string
  /** What is not finite is drawn as nothing. */
  value: number
}

export interface ComparedNetwork {
  name: string
  /** The same figures of every network, in the same order. */
  figures: readonly ComparedFigure[]
}

/** Room for a phone: 390 pixels with names. */
const WIDTH = 210

export function comparisonPicture(networks: readonly ComparedNetwork[]): Picture {
  const names = shortened(networks.map(({ name }) => name))
  const panels = networks[0].figures.map(({ label }, f) => {
    const values = networks.map(({ figures }, i) => {
      const { value } = figures[f]
      return { network: names[i], value: Number.isFinite(value) ? value : null, text: textOf(value) }
    })
    const y = { field: 'network', type: 'nominal' as const, sort: null, axis: { title: null, labelLimit: 140 } }
    const x = { field: 'value', type: 'quantitative' as const, axis: null }
    // Room for the values beside the bars.
    const most = Math.max(...values.map(({ value }) => value ?? 0))
    return {
      title: { text: label, anchor: 'start' as const, fontSize: 12 },
      width: WIDTH,
      height: { step: 22 },
      data: { values },
      layer: [
        {
          mark: { type: 'bar' as const, cornerRadiusEnd: 2, height: { band: 0.65 } },
          encoding: {
            y,
            x: { ...x, scale: { domain: [0, most > 0 ? 1.35 * most : 1] } },
            color: {
              field: 'network',
              type: 'nominal' as const,
              legend: null,
              scale: { domain: names, range: names.map((_, i) => palette[i % palette.length]) },
            },
          },
        },
        {
          mark: { type: 'text' as const, align: 'left' as const, dx: 4, fontSize: 11, color: text },
          encoding: { y, x, text: { field: 'text' } },
        },
      ],
    }
  })
  return {
    name: 'comparison',
    title: 'Networks side by side',
    caption: 'Every figure of each network; each panel has a scale of its own, from zero.',
    spec: { columns: 2, spacing: { row: 18, column: 24 }, concat: panels },
  }
}

/** Three figures that tell, and no more digits of large numbers. */
const textOf = (value: number): string =>
  Number.isFinite(value) ? Number(value.toPrecision(Math.abs(value) >= 1000 ? 5 : 4)).toLocaleString('en') : 'none'

/** Names without the folders that all of them have in common. */
function shortened(names: readonly string[]): string[] {
  const parts = names.map((name) => name.split('/'))
  const depth = Math.min(...parts.map(({ length }) => length)) - 1
  let common = 0
  while (common < depth && parts.every((one) => one[common] === parts[0][common])) common++
  return parts.map((one) => one.slice(common).join('/'))
}
