/**
 * @file Runs of a sweep that train the same until their first pruning event share that training: it is done
 * once, in a folder under `trunks` or in a queue, and each of them goes on from its checkpoint, bit for bit
 * as if it had trained alone.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { methodOf } from '../experiment/recipe/checks.ts'
import { type Recipe, recipeToYaml } from '../experiment/recipe/recipe.ts'
import { FILES } from '../experiment/run/folder.ts'
import { toSteps } from '../util/duration.ts'
import { makeFolder, writeAtomically } from '../util/files.ts'
import { SWEEP_FILES } from './files.ts'
import { type JobOptions, runFolder, runRecipeFile } from './job.ts'
import type { Cell } from './sweep-file.ts'

/** Keys of `prune` that nothing depends on before the first event. */
const later = [
  'method',
  'scope',
  'sparsity',
  'sparsities',
  'flops',
  'schedule',
  'end',
  'initial',
  'every',
  'scoring',
] as const

/** What a run takes over from its trunk. */
export const TRUNK_FILES = [FILES.environment, FILES.metrics, FILES.snapshot, FILES.checkpoint]

/** The trunks of runs by the names of their cells: those that several share, or that `exists` knows. */
export function sharedTrunks(cells: readonly Cell[], exists = (_: string) => false): Map<string, string> {
  const trunks = cells.map(({ recipe }) => trunkOf(recipe))
  const isShared = (trunk: string) => trunks.indexOf(trunk) !== trunks.lastIndexOf(trunk) || exists(trunk)
  return new Map(
    cells.flatMap(({ name }, i) => {
      const trunk = trunks[i]
      return trunk && isShared(trunk) ? [[name, trunk] as const] : []
    }),
  )
}

/** Makes a folder one of a run that has got as far as its trunk. */
export function beginRun(folder: string, recipe: string, write: () => void): void {
  makeFolder(folder)
  write()
  // Last: it says that there is a run to resume.
  writeAtomically(join(folder, FILES.recipe), recipe)
}

export class Trunks {
  readonly #out: string
  readonly #trunks: ReadonlyMap<string, string>
  readonly #trained = new Map<string, Promise<string | undefined>>()

  constructor(cells: readonly Cell[], out: string) {
    this.#out = join(out, SWEEP_FILES.trunks)
    this.#trunks = sharedTrunks(cells, (trunk) => existsSync(join(this.#out, trunk)))
  }

  /** Lets a run that has not begun go on from its trunk, where it has one. Resolves with why that failed. */
  async branch(cell: Cell, out: string, options: JobOptions): Promise<string | undefined> {
    const trunk = this.#trunks.get(cell.name)
    const to = runFolder(out, cell.name)
    if (!trunk || existsSync(join(to, FILES.recipe))) return undefined
    const training = this.#trained.get(trunk) ?? this.#train(trunk, cell.recipe, options)
    this.#trained.set(trunk, training)
    const problem = await training
    if (problem !== undefined) {
      this.#trained.delete(trunk)
      return problem
    }
    beginRun(to, recipeToYaml(cell.recipe), () => {
      for (const file of TRUNK_FILES) {
        const from = join(this.#out, trunk, file)
        if (existsSync(from)) copyFileSync(from, join(to, file))
      }
    })
    return undefined
  }

  /** When no run waits for them. */
  remove(): void {
    rmSync(this.#out, { recursive: true, force: true })
  }

  /** Any of the recipes that share it will do, but to be resumed it has to be the same one. */
  #train(trunk: string, recipe: Recipe, options: JobOptions): Promise<string | undefined> {
    const file = join(this.#out, `${trunk}.yaml`)
    makeFolder(this.#out)
    if (!existsSync(file)) writeAtomically(file, recipeToYaml(recipe))
    return runRecipeFile(file, join(this.#out, trunk), options, ['--until-pruning'])
  }
}

/**
 * Names what determines a run until its first pruning event; undefined where it trains nothing before that.
 */
export function trunkOf(recipe: Recipe): string | undefined {
  const { name: _, summary: __, about: ___, prune, ...others } = recipe
  if (!prune || !trainsFirst(recipe)) return undefined
  const early = Object.entries(prune).filter(([key]) => !later.some((name) => name === key))
  const key = JSON.stringify([others, early, methodOf(prune).section])
  return createHash('sha256').update(key).digest('hex').slice(0, 12)
}

/** Whether a step is sure to come before the first pruning event: an epoch has at least one. */
export const trainsFirst = ({ prune, train }: Recipe): boolean =>
  prune !== undefined && train.start === undefined && toSteps(prune.start, 1) > 0
