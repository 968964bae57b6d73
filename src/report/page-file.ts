/** @file The files of pages that scripts/bundle.mjs makes of site/: scripts and styles. */
import { existsSync } from 'node:fs'
import { UserError } from '../util/errors.ts'
import { readText } from '../util/files.ts'
import { packageFile } from '../util/package.ts'

/** The text of a file of lib/pages. Throws UserError where it was not built. */
export function pageFile(name: string): string {
  const path = packageFile(`lib/pages/${name}`)
  if (!existsSync(path)) throw new UserError(`${path} is not there: npm run build makes it`)
  return readText(path)
}
