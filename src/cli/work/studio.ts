/** @file The work of espalier studio. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join, normalize } from 'node:path'
import type { StartableFile } from '../../studio/jobs.ts'
import { openStudio } from '../../studio/server.ts'
import { UserError } from '../../util/errors.ts'
import { commandFile } from '../../util/package.ts'
import { interruptedStatus, interruptible } from '../display/interruptible.ts'
import { print } from '../display/output.ts'
import { packagedRecipes } from '../flags/recipe-file.ts'
import { exitWith } from '../io.ts'

export interface StudioFlags {
  port: number
  host: string
  allowRun?: boolean
}

/** Where runs and sweeps are by themselves. */
const USUAL = ['runs', 'sweeps']

/** Serves until it is interrupted. Throws UserError where a folder is none, or the port cannot be had. */
export async function studio(given: string[], { port, host, allowRun }: StudioFlags): Promise<void> {
  for (const folder of given)
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
      throw new UserError(
        `${folder}: expected a folder of runs or sweeps, found ${existsSync(folder) ? 'a file' : 'nothing of that name'}`,
      )
  // Without a / at the end or a ./ before it: what runs are called.
  const folders = given.length > 0 ? [...new Set(given.map(plainly))] : USUAL
  const sweeps = folders.find((folder) => basename(folder) === 'sweeps') ?? folders[0]
  const bases = { recipe: folders[0], sweep: sweeps }
  const jobs = allowRun ? { command: [commandFile()], bases, startable } : undefined
  let running = () => 0
  const { signal, received, release } = interruptible(() => {
    if (running() > 0) print('stopping what was started from the page, with checkpoints; Ctrl-C again ends at once')
  })
  try {
    const { address, index, end, ...opened } = await openStudio({ folders, host, port, jobs })
    running = opened.running
    const count = index.entries.size
    if (count === 0) print(`no runs in ${folders.join(' or ')} yet: npx espalier run quickstart makes one`)
    print(`${count === 0 ? 'the studio' : `${count} ${count === 1 ? 'run' : 'runs'}`}: ${address}`)
    print('Ctrl-C ends it')
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve())
    })
    await end()
  } finally {
    release()
  }
  exitWith(interruptedStatus(received()))
}

const plainly = (folder: string): string => normalize(folder).replace(/(?<=.)[/\\]+$/, '')

/** The recipes and sweeps of the current folder, of its folder `recipes`, and of this package. */
function startable(): StartableFile[] {
  const own = ['.', 'recipes'].flatMap((folder) => yamlFiles(folder).map((name) => join(folder, name)))
  const files = own.map((path): StartableFile => {
    return { kind: /\.sweep\.ya?ml$/i.test(path) ? 'sweep' : 'recipe', name: path, path }
  })
  return [...files, ...packagedRecipes()]
}

const yamlFiles = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /\.ya?ml$/i.test(name))
        .sort()
    : []
