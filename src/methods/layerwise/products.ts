/**
 * @file The products 2 X X' of a layer's inputs, added up as the inputs come. Inputs are float32, and their
 * products and sums float64: what is left of rounding is that of the inputs themselves. They go through a
 * tile of windows (windows.ts), and of the symmetric sum only half is computed.
 */
import type { Floats, Machine } from '../../engine/machine.ts'
import { floatRows, product } from '../../linear/product.ts'
import { type Matrix, Workspace } from '../../linear/workspace.ts'
import type { LayerMatrix } from './layer.ts'
import type { Windows } from './windows.ts'

/**
 * Floats of a tile: enough that sums are written seldom, few enough to stay in a cache of the third level.
 */
const TILE = 2 ** 21

export class InputProducts {
  readonly layer: LayerMatrix
  readonly #space: Workspace
  readonly #sums: Matrix[]
  readonly #tile: number
  readonly #size: number

  /** For windows of up to `perRow` places in a row. What {@link productsRoom} says is allocated. */
  constructor(machine: Machine, layer: LayerMatrix, perRow: number) {
    const { columns, groups } = layer
    this.layer = layer
    this.#space = new Workspace(machine, productsRoom(layer, perRow))
    this.#sums = Array.from({ length: groups }, () => this.#space.matrix(columns, columns))
    this.#size = tileOf(layer, perRow)
    this.#tile = this.#space.take(this.#size)
  }

  /** Adds the products of an input, as it lies in memory. */
  add(windows: Windows, x: Floats): void {
    const { rows, perRow, lines } = windows
    const atOnce = Math.max(1, Math.floor(this.#size / (lines * perRow)))
    for (let first = 0; first < rows; first += atOnce) {
      const count = Math.min(atOnce, rows - first)
      const depth = count * perRow
      windows.read(x, first, count, this.#space.floats(this.#tile, lines * depth))
      const { columns } = this.layer
      this.#space.run(
        this.#sums.map((sum, group) => {
          const read = floatRows(this.#tile + group * columns * depth, columns, depth)
          return product(sum, read, read, { mode: 'add', lower: true })
        }),
      )
    }
  }

  /**
   * 2 X X' per group of the layer, [columns][columns], exactly symmetric: live views of the arena, after
   * which nothing can be added.
   */
  grams(): Float64Array[] {
    const n = this.layer.columns
    return this.#sums.map((sum) => {
      const values = this.#space.values(sum)
      for (let i = 0; i < n; i++)
        for (let j = 0; j <= i; j++) values[j * n + i] = values[i * n + j] = 2 * values[i * n + j]
      return values
    })
  }
}

/** Floats of the tile: at least a row of places of all lines. */
const tileOf = ({ columns, groups }: LayerMatrix, perRow: number) => {
  const row = columns * groups * perRow
  return row * Math.max(1, Math.floor(TILE / row))
}

/** Floats that the products of a layer take in an arena, and the tile that they are summed through. */
export const productsRoom = (layer: LayerMatrix, perRow: number): number =>
  2 * layer.groups * layer.columns ** 2 + tileOf(layer, perRow) + 2
