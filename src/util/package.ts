/** @file Where the files of this package lie. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The path of a file of this package, such as `kernels/espalier.wasm`. */
export const packageFile = (name: string): string => join(root(), name)

/** What stands in its package.json. */
export const manifest = (): { version: string; bin: { espalier: string } } =>
  JSON.parse(readFileSync(packageFile('package.json'), 'utf8'))

/** The path of the program `espalier`. */
export const commandFile = (): string => packageFile(manifest().bin.espalier)

/** The nearest folder above this code, in modules or bundled, that has a package.json. */
function root(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}
