/** @file The work of espalier native. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { openMachine } from '../../engine/machines/open.ts'
import { UserError } from '../../util/errors.ts'
import { packageFile } from '../../util/package.ts'
import { print } from '../display/output.ts'
import { WaitDisplay } from '../display/wait.ts'

/** Compiles the native engine where it is not up to date, and says what it is. Throws UserError. */
export async function buildNative(): Promise<void> {
  print('compiling the kernels for this machine, which takes up to a minute')
  const display = new WaitDisplay()
  const said = await compile((done, total) =>
    display.show(`compiling, ${done} of ${total} files`, { share: done / total }),
  ).finally(() => display.stop())
  if (said) throw new UserError(said)
  print(`the native engine is built: ${(await openMachine({ engine: 'native' })).description}`)
}

/**
 * What a build says where it does not come to an end that it should; nothing where it does. Throws UserError.
 */
async function compile(onFile: (done: number, total: number) => void): Promise<string> {
  const child = spawn(process.execPath, [packageFile('scripts/build-native.mjs'), '--progress'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const others: string[] = []
  createInterface(child.stderr).on('line', (line) => {
    const [, done, total] = /^compiled (\d+) of (\d+)$/.exec(line) ?? []
    if (done === undefined) others.push(line)
    else onFile(Number(done), Number(total))
  })
  const failed = (why: string) => new UserError(`the native engine was not built: ${why}`)
  const ended = once(child, 'close').catch((error: Error) => {
    throw failed(error.message)
  })
  const [said, [status]] = await Promise.all([text(child.stdout), ended])
  if (status !== 0) throw failed(others.join(' ').trim())
  return said.trim().replace(/^espalier: /, '')
}
