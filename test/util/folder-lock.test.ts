/** @file Locks of folders when several processes want the same one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, expect, it } from 'vitest'
import { FolderLock } from '../../src/util/folder-lock.ts'
import { compiled, root } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'

beforeAll(compiled, 120_000)

const PROCESSES = 6
const FOLDERS = 60
/** Milliseconds between two folders. */
const PACE = 40
/** Until all processes have started. */
const LEAD = 3000

it('of several processes that find the lock of a dead one, exactly one takes it', { timeout: 60_000 }, async () => {
  const base = temporaryFolder()
  const dead = spawn(process.execPath, ['-e', ''])
  await once(dead, 'exit')
  const folders = Array.from({ length: FOLDERS }, (_, i) => join(base, String(i)))
  for (const folder of folders) {
    mkdirSync(folder)
    writeFileSync(join(folder, 'lock.json'), JSON.stringify({ pid: dead.pid, host: hostname(), started: '1' }))
  }
  const racer = fileURLToPath(new URL('./folder-lock-racer.mjs', import.meta.url))
  const lock = pathToFileURL(join(root, 'dist/util/folder-lock.js')).href
  const args = [racer, lock, String(Date.now() + LEAD), String(PACE), ...folders]
  const racers = Array.from({ length: PROCESSES }, () =>
    spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  const taken = (await Promise.all(racers.map(lastLine))).flatMap((line) => JSON.parse(line) as string[])
  for (const child of racers) child.stdin!.end('done')
  expect(taken.sort()).toEqual(folders.toSorted())
  expect(readdirSync(folders[0])).toEqual(['lock.json'])
})

it('what is no lock at all is taken over, and a lock that another took in the meantime is not released', () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'lock.json'), '{}')
  const lock = new FolderLock(folder, 'run')
  writeFileSync(join(folder, 'lock.json'), '{"another": 1}')
  lock.release()
  expect(readdirSync(folder)).toEqual(['lock.json'])
})

/** What a process prints after `ready`. */
function lastLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`a racing process ended with status ${code}`)))
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line !== 'ready') resolve(line)
    })
  })
}
