/** @file What a sweep is, wherever it was read from: runs by name, each with its recipe. */
import type { Recipe } from '../experiment/recipe/recipe.ts'

/** A value of a recipe key. */
export type Scalar = string | number | boolean

export interface Cell {
  /** Its values, joined by dashes: a folder's name. */
  name: string
  /** The value of every key of the grid. */
  values: Readonly<Record<string, Scalar>>
  recipe: Recipe
  /** The names of cells whose files it begins with: it is run when they are done. Default: none. */
  after?: readonly string[]
}

export interface Sweep {
  name: string
  summary?: string
  /** Keys of the grid, in order. */
  keys: readonly string[]
  cells: readonly Cell[]
}
