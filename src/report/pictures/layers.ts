/** @file Draws what is left of every layer: a bar for each layer in a panel for each group. */
import type { RunGroup } from '../groups.ts'
import { spreadOf } from '../groups-table.ts'
import type { Picture } from './draw.ts'
import { grid, panels } from './panels.ts'
import { accent } from './theme.ts'

/** How many groups have a panel. */
export const MOST_LAYERS = 12

/** The picture; undefined where no complete run has a zero. */
export function layersPicture(groups: readonly RunGroup[]): Picture | undefined {
  const { panels: drawn, left } = panels(groups, MOST_LAYERS, densitiesOf)
  if (drawn.length === 0) return undefined
  const values = drawn.flatMap(({ label, value }) => value.map((layer) => ({ panel: label, ...layer })))
  const y = {
    field: 'layer',
    type: 'nominal' as const,
    sort: null,
    axis: { title: null, grid: false, labelLimit: 150 },
  }
  return {
    name: 'layers',
    title: 'Weights left in each layer',
    caption: `Share of each prunable layer’s weights that are not zero (of tied weights, that can be learned), means over seeds.${left}`,
    spec: {
      data: { values },
      ...grid(drawn),
      spec: {
        width: 210,
        height: { step: 16 },
        layer: [
          {
            mark: { type: 'bar', color: accent, cornerRadiusEnd: 2, height: { band: 0.7 } },
            encoding: { x: percentAxis, y },
          },
          {
            mark: { type: 'text', align: 'left', dx: 4, fontSize: 10 },
            encoding: { x: percentAxis, y, text: { field: 'text' } },
          },
        ],
      },
      resolve: { scale: { y: 'independent' } },
    },
  }
}

const percentAxis = {
  field: 'density',
  type: 'quantitative' as const,
  scale: { domain: [0, 100] },
  axis: { title: '% left', tickCount: 3 },
}

/** What is left of a layer, in percent. */
export interface LayerDensity {
  layer: string
  density: number
  text: string
}

/** Means over the seeds of a group; undefined where none of its runs is complete and has a zero. */
export function densitiesOf({ runs }: RunGroup): LayerDensity[] | undefined {
  const complete = runs.find(({ result }) =>
    result?.layers.some(({ size, kept, learnable }) => (learnable ?? kept) < size),
  )
  return complete?.result?.layers.map(({ name, size }, i) => {
    const of = spreadOf(runs, ({ result }) => {
      const layer = result?.layers[i]
      return layer && (100 * (layer.learnable ?? layer.kept)) / size
    })
    const density = of?.mean ?? 0
    return {
      layer: name.replace(/\.weight$/, ''),
      density,
      text: density >= 10 ? density.toFixed(0) : density.toPrecision(2),
    }
  })
}
