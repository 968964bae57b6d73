/**
 * @file A complete run as one message of bytes, a zip archive of its files, and back. The checkpoint stays
 * behind: a complete run is not resumed, and it would be most of the message. And a trunk, which is little
 * else.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Unzipped, unzip, type Zippable, zip } from 'fflate'
import { withoutAbout } from '../../experiment/recipe/sections/about.ts'
import type { RunResult } from '../../experiment/run/events.ts'
import { FILES, RunFolder, resultIn } from '../../experiment/run/folder.ts'
import { UserError } from '../../util/errors.ts'
import { writeAtomically } from '../../util/files.ts'
import { beginRun, TRUNK_FILES } from '../trunk.ts'

/** The report is last: it says that a run is complete. */
const { checkpoint: _, report, ...others } = FILES
const names: readonly string[] = [...Object.values(others), report]

/** What Redis takes as one value. */
const MOST = 512 * 2 ** 20

export const packRun = (folder: string): Promise<Uint8Array> => pack(folder, names)

export const packTrunk = (folder: string): Promise<Uint8Array> => pack(folder, TRUNK_FILES)

/** Compressed by threads beside this one, which has locks to renew. */
async function pack(folder: string, names: readonly string[]): Promise<Uint8Array> {
  const files: Zippable = {}
  for (const name of names) {
    const bytes = contentOf(join(folder, name))
    if (bytes) files[name] = [bytes, { level: 1 }]
  }
  const message = await new Promise<Uint8Array>((resolve, reject) =>
    zip(files, (error, bytes) => (error ? reject(error) : resolve(bytes))),
  )
  if (message.length > MOST)
    throw new UserError(
      `the files of the run are ${message.length} bytes, compressed; expected at most ${MOST}, which is what Redis takes`,
    )
  return message
}

/**
 * Puts a run into its folder, in the place of one that was begun there. Throws UserError where the message is
 * no complete run of the recipe.
 */
export async function unpackRun(message: Uint8Array, folder: string, recipe: string): Promise<RunResult> {
  const files = await unpack(message, names)
  const own = files[FILES.recipe] && new TextDecoder().decode(files[FILES.recipe])
  if (own === undefined || withoutAbout(own) !== withoutAbout(recipe))
    throw new UserError("a worker's result is of another recipe: does it run the same version of espalier?")
  if (!files[FILES.metrics] || !files[FILES.report])
    throw new UserError("a worker's result lacks the metrics or the report of a complete run")
  const target = RunFolder.open(folder, { force: true })
  try {
    for (const name of names) if (files[name]) writeAtomically(join(folder, name), files[name])
  } finally {
    target.release()
  }
  const result = resultIn(folder)
  if (!result) throw new UserError("the metrics in a worker's result do not end with the line of a complete run")
  return result
}

/** Puts a trunk into the folder of a run that goes on from it. */
export async function unpackTrunk(message: Uint8Array, folder: string, recipe: string): Promise<void> {
  const files = await unpack(message, TRUNK_FILES)
  beginRun(folder, recipe, () => {
    for (const [name, bytes] of Object.entries(files)) writeAtomically(join(folder, name), bytes)
  })
}

const unpack = (message: Uint8Array, names: readonly string[]): Promise<Unzipped> =>
  new Promise((resolve, reject) =>
    unzip(message, { filter: ({ name }) => names.includes(name) }, (error, found) =>
      error ? reject(new UserError(`a worker's result is damaged: ${error.message}`)) : resolve(found),
    ),
  )

function contentOf(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
