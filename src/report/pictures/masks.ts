/** @file Draws where the first layer keeps weights: over the pixels of the input, or kernel by kernel. */
import { join } from 'node:path'
import { modelOf } from '../../experiment/plan/network.ts'
import { FILES } from '../../experiment/run/folder.ts'
import { toFloats } from '../../formats/safetensors.ts'
import { readWeights } from '../../formats/weights-file.ts'
import type { RunGroup } from '../groups.ts'
import { firstWith, type ReportedRun } from '../run.ts'
import type { Picture } from './draw.ts'
import { panels } from './panels.ts'
import { accent } from './theme.ts'

const MOST = 8
/** How many kernels of a convolution are shown, and how many of them stand in a row. */
const KERNELS = 64
const IN_ROW = 8

/** A grid of pixels with the share of weights kept at each. */
export interface Grid {
  rows: number
  columns: number
  pixels: { row: number; column: number; kept: number }[]
}

/** The first layers of the first groups that have zeros there. Throws UserError for a damaged file. */
export async function maskPanels(
  groups: readonly RunGroup[],
): Promise<{ panels: { label: string; grid: Grid }[]; left: string }> {
  const sparse = ({ result }: ReportedRun) => {
    const [first] = result?.layers ?? []
    return first !== undefined && first.learnable === undefined && first.kept < first.size
  }
  const { panels: drawn, left } = panels(groups, MOST, ({ runs }) => firstWith(runs.filter(sparse), ['model']))
  const grids: { label: string; grid: Grid }[] = []
  for (const { label, value } of drawn) {
    const grid = await gridOf(value)
    if (grid) grids.push({ label, grid })
  }
  return { panels: grids, left }
}

/** What masks show, without the sentence on groups that are left out. */
export const MASKS_CAPTION =
  'One run of each group; the more of the weights at a pixel are kept, the stronger it is drawn, beside the fullest pixel of its picture. Linear layers: all units together, over the pixels of the input; convolutions: their kernels, channels together.'

/**
 * The picture; undefined where no complete run has zeros in its first layer. Throws UserError for a damaged
 * file.
 */
export async function masksPicture(groups: readonly RunGroup[]): Promise<Picture | undefined> {
  const { panels: grids, left } = await maskPanels(groups)
  if (grids.length === 0) return undefined
  return {
    name: 'masks',
    title: 'Masks of the first layer',
    caption: `${MASKS_CAPTION}${left}`,
    spec: {
      columns: 4,
      concat: grids.map(({ label, grid: { rows, columns, pixels } }) => {
        const side = Math.max(3, Math.floor(200 / Math.max(rows, columns)))
        const place = (field: string, count: number) => ({
          field,
          type: 'ordinal' as const,
          axis: null,
          scale: { domain: Array.from({ length: count }, (_, i) => i), paddingInner: 0.06, paddingOuter: 0 },
        })
        return {
          title: { text: label, limit: Math.max(side * columns, 150) },
          data: { values: pixels.filter(({ kept }) => kept > 0) },
          width: side * columns,
          height: side * rows,
          view: { stroke: '#e4e7eb' },
          mark: { type: 'rect' as const, color: accent, aria: false },
          encoding: {
            x: place('column', columns),
            y: place('row', rows),
            opacity: { field: 'kept', type: 'quantitative' as const, legend: null, scale: { range: [0.08, 1] } },
          },
        }
      }),
      resolve: { scale: { opacity: 'independent' } },
    },
  }
}

async function gridOf({ folder, recipe, result }: ReportedRun): Promise<Grid | undefined> {
  const tensor = (await readWeights(join(folder, FILES.model))).tensors.get(result?.layers[0].name ?? '')
  if (!tensor) return undefined
  const values = toFloats(tensor)
  const [outputs, inputs, height = 1, width = 1] = tensor.shape
  const image = modelOf(recipe).image
  if (tensor.shape.length === 2 && inputs === image[0] * image[1] * image[2]) return overPixels(values, outputs, image)
  return tensor.shape.length === 4 ? kernels(values, [outputs, inputs, height, width]) : undefined
}

function overPixels(values: Float32Array, outputs: number, [channels, rows, columns]: readonly number[]): Grid {
  const kept = new Float64Array(rows * columns)
  values.forEach((value, i) => {
    if (value !== 0) kept[i % (rows * columns)]++
  })
  const pixels = [...kept].map((count, i) => ({
    row: Math.floor(i / columns),
    column: i % columns,
    kept: count / (outputs * channels),
  }))
  return { rows, columns, pixels }
}

/** The kernels in rows, with an empty line between them. */
function kernels(values: Float32Array, [outputs, inputs, height, width]: readonly number[]): Grid {
  const count = Math.min(outputs, KERNELS)
  const pixels = Array.from({ length: count * height * width }, (_, i) => {
    const [kernel, at] = [Math.floor(i / (height * width)), i % (height * width)]
    let kept = 0
    for (let c = 0; c < inputs; c++) if (values[(kernel * inputs + c) * height * width + at] !== 0) kept++
    return {
      row: Math.floor(kernel / IN_ROW) * (height + 1) + Math.floor(at / width),
      column: (kernel % IN_ROW) * (width + 1) + (at % width),
      kept: kept / inputs,
    }
  })
  return {
    rows: Math.ceil(count / IN_ROW) * (height + 1) - 1,
    columns: Math.min(count, IN_ROW) * (width + 1) - 1,
    pixels,
  }
}
