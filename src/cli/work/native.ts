/** @file The work of espalier native. */
import { spawnSync } from 'node:child_process'
import { openMachine } from '../../engine/machines/open.ts'
import { UserError } from '../../util/errors.ts'
import { packageFile } from '../../util/package.ts'
import { print } from '../display/output.ts'

/** Compiles the native engine where it is not up to date, and says what it is. Throws UserError. */
export async function buildNative(): Promise<void> {
  print('compiling the kernels for this machine, which takes up to a minute')
  const { stdout, stderr, error, status } = spawnSync(process.execPath, [packageFile('scripts/build-native.mjs')], {
    encoding: 'utf8',
  })
  const said = stdout?.trim().replace(/^espalier: /, '')
  if (error || status !== 0) throw new UserError(`the native engine was not built: ${error?.message ?? stderr.trim()}`)
  if (said) throw new UserError(said)
  print(`the native engine is built: ${(await openMachine({ engine: 'native' })).description}`)
}
