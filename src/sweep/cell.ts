/** @file What a sweep is, wherever it was read from: runs by name, each with its recipe. */
import type { Recipe } from '../experiment/recipe/recipe.ts'

/** A value of a recipe key. */
export type Scalar = string | number | boolean

/** Which run of a sweep it is. */
export interface Named {
  /** Its values, joined by dashes: a folder's name. */
  name: string
  /** The value of every key of the grid. */
  values: Readonly<Record<string, Scalar>>
}

export interface Cell extends Named {
  recipe: Recipe
  /** The names of cells whose files it begins with: it is run when they are done. Default: none. */
  after?: readonly string[]
}

/** A run that has no recipe, and why. */
export interface Broken extends Named {
  reason: string
}

export interface Sweep {
  name: string
  summary?: string
  /** Keys of the grid, in order. */
  keys: readonly string[]
  cells: readonly Cell[]
  /** Present where the recipes are the files of a folder, which may change: those that are none. */
  broken?: readonly Broken[]
}
