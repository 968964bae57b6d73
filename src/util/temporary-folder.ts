/** @file Folders that are gone when work is done, also where a signal ends the process. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Does something in a new folder, whose name begins with `prefix`, and removes the folder. */
export async function inTemporaryFolder<T>(prefix: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const leave = (signal: NodeJS.Signals) => {
    remove()
    for (const one of SIGNALS) process.off(one, leave)
    process.kill(process.pid, signal)
  }
  for (const signal of SIGNALS) process.on(signal, leave)
  try {
    return await work(folder)
  } finally {
    for (const signal of SIGNALS) process.off(signal, leave)
    remove()
  }
}
